//! What a file is, by its bytes: what a sender says, or its name, is not believed.

pub mod ole;
pub mod zip;

/// Enough to see what every format here begins with, and to tell text from other bytes.
pub const HEAD_BYTES: usize = 8 << 10;

/// Types that are taken, and the extension of a file of that type.
const TYPES: &[(&str, &str)] = &[
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
    ("image/heif", "heic"),
    ("image/avif", "avif"),
    ("image/bmp", "bmp"),
    ("image/tiff", "tiff"),
    ("image/svg+xml", "svg"),
    ("audio/mpeg", "mp3"),
    ("audio/m4a", "m4a"),
    ("audio/opus", "opus"),
    ("audio/ogg", "ogg"),
    ("audio/x-flac", "flac"),
    ("audio/x-wav", "wav"),
    ("audio/amr", "amr"),
    ("audio/aac", "aac"),
    ("video/mp4", "mp4"),
    ("video/3gpp", "3gp"),
    ("video/x-m4v", "m4v"),
    ("video/webm", "webm"),
    ("video/quicktime", "mov"),
    ("video/mpeg", "mpg"),
    ("application/pdf", "pdf"),
    ("application/rtf", "rtf"),
    ("application/epub+zip", "epub"),
    ("application/msword", "doc"),
    ("application/vnd.ms-excel", "xls"),
    ("application/vnd.ms-powerpoint", "ppt"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
    ("application/vnd.oasis.opendocument.text", "odt"),
    ("application/vnd.oasis.opendocument.spreadsheet", "ods"),
    ("application/vnd.oasis.opendocument.presentation", "odp"),
    ("text/plain", "txt"),
    ("text/html", "html"),
    ("text/xml", "xml"),
    ("text/vcard", "vcf"),
];

pub fn extension(mime_type: &str) -> Option<&'static str> {
    TYPES.iter().find(|(known, _)| *known == mime_type).map(|(_, extension)| *extension)
}

pub fn is_taken(mime_type: &str) -> bool {
    extension(mime_type).is_some()
}

/// The type of a file that begins so; `application/octet-stream` when nobody knows. Of containers the beginning says little: `zip` and `ole`
/// look further, and `filename` only counts for old office documents that are too short or too odd for that.
pub fn mime_type(head: &[u8], filename: &str) -> &'static str {
    if let Some(found) = by_container(head, filename) {
        return found;
    }
    match infer::get(head).map(|kind| kind.mime_type()) {
        // It tells HTML from XML; what is drawn by it is to be told, too.
        Some("text/html" | "text/xml") | None => text(head).unwrap_or("application/octet-stream"),
        Some(found) => found,
    }
}

pub fn is_archive(head: &[u8]) -> bool {
    [b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"].iter().any(|begin| head.starts_with(*begin))
}

/// Archives whose first entry says in plain letters what they are (OpenDocument, EPUB).
pub fn says_itself(mime_type: &str) -> bool {
    mime_type.starts_with("application/vnd.oasis.opendocument.") || mime_type == "application/epub+zip"
}

fn by_container(head: &[u8], filename: &str) -> Option<&'static str> {
    if head.starts_with(ole::MAGIC) {
        let extension = filename.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        let office = TYPES.iter().find(|(_, known)| ["doc", "xls", "ppt"].contains(known) && *known == extension);
        return Some(office.map_or(ole::CONTAINER, |(mime_type, _)| *mime_type));
    }
    // `ftyp3gp4`, `ftyp3gp5`, …: what telephones record.
    (head.get(4..11) == Some(b"ftyp3gp")).then_some("video/3gpp")
}

/// Words, or what is made to be rendered. A character that the head cuts in two is still one.
fn text(head: &[u8]) -> Option<&'static str> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let words = match std::str::from_utf8(head) {
        Ok(words) => words,
        Err(error) if error.error_len().is_none() && head.len() > HEAD_BYTES - 8 => {
            std::str::from_utf8(head.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    if words.chars().any(|c| c.is_control() && !"\t\r\n\u{c}".contains(c)) {
        return None;
    }
    let start = words.trim_start().to_ascii_lowercase();
    Some(match () {
        () if start.contains("<svg") => "image/svg+xml",
        () if start.starts_with("begin:vcard") => "text/vcard",
        () if start.starts_with("<?xml") && !start.contains("<html") => "text/xml",
        () if start.contains("<html") || start.contains("<script") || start.contains("<!doctype html") => "text/html",
        () => "text/plain",
    })
}

/// Shown by a browser in place; everything else is only ever saved.
pub fn is_shown(mime_type: &str) -> bool {
    let is_picture = matches!(mime_type, "image/jpeg" | "image/png" | "image/gif" | "image/webp" | "image/avif");
    is_picture || mime_type.starts_with("audio/") || mime_type.starts_with("video/")
}

/// The type as a download tells it: what a browser could run or render is so many bytes.
pub fn told(mime_type: &str) -> &str {
    let is_active = matches!(mime_type, "text/html" | "image/svg+xml" | "text/xml") || mime_type.contains("script");
    if is_active || mime_type.ends_with("+xml") { "application/octet-stream" } else { mime_type }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_a_file_is_by_its_bytes() {
        for (head, expected) in [
            (&b"\xff\xd8\xff\xe0\0\x10JFIF"[..], "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
            (b"GIF89a", "image/gif"),
            (b"%PDF-1.7\n", "application/pdf"),
            (b"PK\x03\x04\x14\0\0\0\x08\0something else", "application/zip"),
            (b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff", "application/vnd.microsoft.portable-executable"),
            (b"\0\0\0\x18ftyp3gp4\0\0\0\0", "video/3gpp"),
            (b"Dear Ann,\nplease find attached", "text/plain"),
            ("Liebe Grüße".as_bytes(), "text/plain"),
            (b"  <!DOCTYPE html><p>hi", "text/html"),
            (b"words first <script>alert(1)</script>", "text/html"),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\">", "image/svg+xml"),
            (b"<?xml version=\"1.0\"?><svg onload=\"x\">", "image/svg+xml"),
            (b"begin:vcard\nversion:3.0", "text/vcard"),
            (b"\x01\x02\x03\x04", "application/octet-stream"),
            (b"a\0b", "application/octet-stream"),
        ] {
            assert_eq!(mime_type(head, "photo.jpg"), expected, "{}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn takes_no_archive_and_nothing_that_runs() {
        for refused in [
            "application/zip",
            "application/vnd.microsoft.portable-executable",
            "application/wasm",
            "text/x-shellscript",
            "application/octet-stream",
        ] {
            assert!(!is_taken(refused), "{refused}");
        }
        assert!(is_taken("image/jpeg") && is_taken("application/pdf"));
    }

    #[test]
    fn old_office_documents_are_told_apart_by_their_names() {
        let ole = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, 0, 0];
        assert_eq!(mime_type(&ole, "offer.DOC"), "application/msword");
        assert!(!is_taken(mime_type(&ole, "setup.msi")));
    }

    #[test]
    fn never_tells_a_browser_to_run_or_render() {
        for active in ["text/html", "image/svg+xml", "text/xml", "application/xhtml+xml", "text/x-shellscript"] {
            assert_eq!(told(active), "application/octet-stream", "{active}");
            assert!(!is_shown(active));
        }
        assert_eq!(told("image/png"), "image/png");
    }
}
