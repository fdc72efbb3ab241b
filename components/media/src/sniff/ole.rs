//! Old office documents are all one container (compound file): what they are is said by the streams in it.

use super::zip::Stretch;

pub const MAGIC: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
pub const CONTAINER: &str = "application/x-ole-storage";

const ENTRY_BYTES: usize = 128;

/// The stream that makes a container a document.
const DOCUMENTS: &[(&str, &str)] = &[
    ("WordDocument", "application/msword"),
    ("Workbook", "application/vnd.ms-excel"),
    ("Book", "application/vnd.ms-excel"),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
];

/// Where the first part of the directory is, by the file's head; `None` when the head makes no sense.
pub fn directory(head: &[u8], size: u64) -> Option<Stretch> {
    let shift = u16::from_le_bytes(head.get(30..32)?.try_into().ok()?);
    let first = u32::from_le_bytes(head.get(48..52)?.try_into().ok()?);
    if !matches!(shift, 9 | 12) {
        return None;
    }
    let length = 1_u64 << shift;
    let at = (u64::from(first) + 1) << shift;
    (at.checked_add(length)? <= size).then_some(Stretch { at, length })
}

/// What a container with this directory is. Its first sector has four entries, or 32: the document's stream is among them, as every
/// office program writes it.
pub fn mime_type(directory: &[u8]) -> Option<&'static str> {
    let names = directory.chunks_exact(ENTRY_BYTES).map(name);
    names.into_iter().find_map(|name| DOCUMENTS.iter().find(|(stream, _)| *stream == name).map(|(_, kind)| *kind))
}

fn name(entry: &[u8]) -> String {
    let letters = entry
        .get(..64)
        .unwrap_or_default()
        .chunks_exact(2)
        .filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?)));
    String::from_utf16_lossy(&letters.take_while(|letter| *letter != 0).collect::<Vec<_>>())
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A container with these streams.
    pub fn container(streams: &[&str]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.resize(512, 0);
        bytes[30] = 9;
        bytes[48] = 1;
        bytes.resize(1024, 0);
        for stream in streams {
            let mut entry: Vec<u8> = stream.encode_utf16().flat_map(u16::to_le_bytes).collect();
            entry.resize(ENTRY_BYTES, 0);
            bytes.extend(entry);
        }
        bytes.resize(1536, 0);
        bytes
    }

    fn kind(bytes: &[u8]) -> Option<&'static str> {
        let Stretch { at, length } = directory(bytes, bytes.len() as u64)?;
        mime_type(&bytes[usize::try_from(at).unwrap()..usize::try_from(at + length).unwrap()])
    }

    #[test]
    fn says_what_a_container_is() {
        assert_eq!(kind(&container(&["Root Entry", "WordDocument"])), Some("application/msword"));
        assert_eq!(kind(&container(&["Root Entry", "1Table", "Workbook"])), Some("application/vnd.ms-excel"));
        assert_eq!(kind(&container(&["PowerPoint Document"])), Some("application/vnd.ms-powerpoint"));
        assert_eq!(kind(&container(&["Root Entry", "Installer"])), None);
    }

    #[test]
    fn a_head_that_lies_leads_nowhere() {
        let good = container(&["WordDocument"]);
        for (at, byte) in [(30, 0), (30, 60), (31, 1), (48, 200), (51, 0xff)] {
            let mut bad = good.clone();
            bad[at] = byte;
            assert_eq!(directory(&bad, bad.len() as u64), None, "{at}");
        }
        for length in 0..good.len() {
            kind(&good[..length]);
        }
    }
}
