//! What an archive is by the names in it. Office documents are archives, and the standard (ECMA-376 part 2) says nothing of the order of
//! what is in them: so it is looked up in the archive's directory, which stands at its end. Nothing is unpacked.

/// The end record has 22 bytes and a comment of at most 64 KiB.
const MAX_TAIL_BYTES: u64 = 22 + 0xffff;
/// Some 10,000 entries; a presentation of a thousand slides has half as many.
const MAX_DIRECTORY_BYTES: u64 = 1 << 20;

const END: &[u8] = b"PK\x05\x06";
const ENTRY: &[u8] = b"PK\x01\x02";

pub const ARCHIVE: &str = "application/zip";

/// What the main part is called, and what a document is that has it: without programs in it, and with.
const DOCUMENTS: &[(&str, &str, &str)] = &[
    (
        "word/document",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.ms-word.document.macroEnabled.12",
    ),
    (
        "xl/workbook",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.ms-excel.sheet.macroEnabled.12",
    ),
    (
        "ppt/presentation",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.ms-powerpoint.presentation.macroEnabled.12",
    ),
];

/// A stretch of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub at: u64,
    pub length: u64,
}

/// Where the end record is, in a file of this size.
pub fn tail(size: u64) -> Stretch {
    let length = size.min(MAX_TAIL_BYTES);
    Stretch { at: size - length, length }
}

/// Where the directory is, by the bytes of [`tail`]. `None` when there is none that can be believed.
pub fn directory(tail: &[u8], size: u64) -> Option<Stretch> {
    let begins =
        (0..=tail.len().checked_sub(22)?).rev().filter(|at| tail.get(*at..).is_some_and(|rest| rest.starts_with(END)));
    let mut records = begins.filter_map(|at| tail.get(at..).map(|record| (at, record)));
    // The comment reaches to the end of the file: what only looks like a record is none.
    let (at, record) = records.find(|(_, record)| number(record, 20, 2) == Some(record.len() as u64 - 22))?;
    let (length, offset) = (number(record, 12, 4)?, number(record, 16, 4)?);
    let end = offset.checked_add(length)?;
    let record_at = size.checked_sub(tail.len() as u64)?.checked_add(at as u64)?;
    (end <= record_at).then_some(Stretch { at: offset, length: length.min(MAX_DIRECTORY_BYTES) })
}

/// The type of an archive with this directory.
pub fn mime_type(directory: &[u8]) -> &'static str {
    let names = || Names(directory);
    let has = |wanted: &str| names().any(|name| name == wanted.as_bytes());
    // Programs of Java and Android, whatever else is in them.
    let is_program = has("META-INF/MANIFEST.MF") || has("AndroidManifest.xml") || has("classes.dex");
    if is_program || !has("[Content_Types].xml") {
        return ARCHIVE;
    }
    let is_main = |main: &str| names().any(|name| name.starts_with(main.as_bytes()) && name.ends_with(b".xml"));
    let mut found = DOCUMENTS.iter().filter(|(main, ..)| is_main(main));
    let has_program = names().any(|name| name.ends_with(b"vbaProject.bin"));
    match (found.next(), found.next()) {
        (Some((_, _, with_program)), None) if has_program => with_program,
        (Some((_, plain, _)), None) => plain,
        _ => ARCHIVE,
    }
}

/// The names in a directory, up to where it makes no sense.
struct Names<'a>(&'a [u8]);

impl<'a> Iterator for Names<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let entry = Some(self.0).filter(|rest| rest.starts_with(ENTRY))?;
        let length = |at| number(entry, at, 2).and_then(|length| usize::try_from(length).ok());
        let (name, extra, comment) = (length(28)?, length(30)?, length(32)?);
        let found = entry.get(46..46 + name)?;
        self.0 = entry.get(46 + name + extra + comment..).unwrap_or_default();
        Some(found)
    }
}

fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// An archive with empty files of these names, and this much before its directory.
    pub fn archive(names: &[&str], filling: usize) -> Vec<u8> {
        let mut bytes = b"PK\x03\x04".to_vec();
        bytes.resize(bytes.len() + 26 + filling, 0);
        let at = bytes.len();
        for name in names {
            let mut entry = ENTRY.to_vec();
            entry.resize(46, 0);
            entry[28] = u8::try_from(name.len()).unwrap();
            bytes.extend(entry);
            bytes.extend(name.as_bytes());
        }
        let length = bytes.len() - at;
        bytes.extend(END);
        bytes.extend([0; 8]);
        bytes.extend(u32::try_from(length).unwrap().to_le_bytes());
        bytes.extend(u32::try_from(at).unwrap().to_le_bytes());
        bytes.extend([0; 2]);
        bytes
    }

    fn kind(bytes: &[u8]) -> Option<&'static str> {
        let size = bytes.len() as u64;
        let cut = |stretch: Stretch| {
            let (from, to) =
                (usize::try_from(stretch.at).unwrap(), usize::try_from(stretch.at + stretch.length).unwrap());
            &bytes[from..to]
        };
        directory(cut(tail(size)), size).map(|directory| mime_type(cut(directory)))
    }

    #[test]
    fn an_office_document_is_one_in_whatever_order_it_was_written() {
        for (main, plain, with_program) in DOCUMENTS {
            let main = format!("{main}.xml");
            let parts = ["_rels/.rels", "docProps/app.xml", &main, "[Content_Types].xml"];
            for filling in [0, 100_000] {
                assert_eq!(kind(&archive(&parts, filling)), Some(*plain));
                let reversed: Vec<&str> = parts.iter().rev().copied().collect();
                assert_eq!(kind(&archive(&reversed, filling)), Some(*plain));
            }
            let with = [&parts[..], &["word/vbaProject.bin"]].concat();
            assert_eq!(kind(&archive(&with, 0)), Some(*with_program));
        }
    }

    #[test]
    fn everything_else_is_an_archive() {
        for parts in [
            &["a.txt"][..],
            &[],
            &["word/document.xml"],
            &["[Content_Types].xml"],
            &["[Content_Types].xml", "word/document.xml", "META-INF/MANIFEST.MF"],
            &["[Content_Types].xml", "word/document.xml", "classes.dex"],
            &["[Content_Types].xml", "word/document.xml", "xl/workbook.xml"],
            &["[Content_Types].xml", "xl/workbook.bin"],
            &["[content_types].xml", "WORD/document.xml"],
            &["x[Content_Types].xml", "xword/document.xml"],
        ] {
            assert_eq!(kind(&archive(parts, 0)), Some(ARCHIVE), "{parts:?}");
        }
    }

    #[test]
    fn a_directory_that_lies_is_not_believed() {
        let good = archive(&["[Content_Types].xml", "word/document.xml"], 10);
        let end = good.len() - 22;
        let changed = |at: usize, bytes: &[u8]| {
            let mut bad = good.clone();
            bad[at..at + bytes.len()].copy_from_slice(bytes);
            kind(&bad)
        };
        assert_eq!(changed(end + 16, &[0xff; 4]), None, "beyond the file, or of more than 4 GiB");
        assert_eq!(changed(end + 12, &[0xff; 4]), None, "longer than the file");
        assert_eq!(changed(end + 20, &[7]), None, "a comment that is not there");
        assert_eq!(changed(end, b"XX"), None);
        assert_eq!(changed(end + 16, &[0; 4]), Some(ARCHIVE), "no entries where it points");
        let at = end - 46 - 17;
        assert_eq!(changed(at + 28, &[0xff; 6]), Some(ARCHIVE), "a name that is longer than the directory");
        for length in 0..good.len() {
            assert!(kind(&good[..length]).is_none_or(|kind| kind == ARCHIVE), "{length}");
        }
        let commented = [&good[..good.len() - 2], &[30, 0], &good[end..], &[7; 8]].concat();
        assert_eq!(kind(&commented), Some(DOCUMENTS[0].1), "a record in the comment of the record is none");
    }
}
