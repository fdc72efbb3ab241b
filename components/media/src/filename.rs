//! Names of files: what is kept of one that a stranger gave, and how a download tells it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// 255 bytes: what file systems take.
pub const MAX_BYTES: usize = 255;
const FALLBACK: &str = "file";

/// The last part of the path, without what no name should hold: control characters, the invisible ones that turn or hide text, and the
/// characters that are special on some file system.
pub fn safe(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !is_unwanted(*c)).collect();
    let trimmed = kept.trim_matches(|c: char| c.is_whitespace() || c == '.');
    let name = shortened(trimmed);
    if name.is_empty() { FALLBACK.to_owned() } else { name }
}

/// A name for a file that came without one.
pub fn of_type(mime_type: &str) -> String {
    match crate::sniff::extension(mime_type) {
        Some(extension) => format!("{FALLBACK}.{extension}"),
        None => FALLBACK.to_owned(),
    }
}

fn is_unwanted(c: char) -> bool {
    let turns_or_hides =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    c.is_control() || turns_or_hides || "\"<>:|?*".contains(c)
}

/// Cut before the extension, where there is a short one.
fn shortened(name: &str) -> String {
    if name.len() <= MAX_BYTES {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 16 => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let mut end = MAX_BYTES.saturating_sub(extension.len()).min(stem.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", stem.get(..end).unwrap_or_default())
}

/// All but `attr-char` of RFC 5987, 3.2.1.
const NOT_ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The header `Content-Disposition` (RFC 6266): the name in ASCII for old clients, and as it is (RFC 5987).
pub fn disposition(is_inline: bool, name: &str) -> String {
    let kind = if is_inline { "inline" } else { "attachment" };
    // Some clients decode `%41` in the plain form too: it has none.
    let plain = |c: char| if c.is_ascii_graphic() && !"\"\\%".contains(c) || c == ' ' { c } else { '_' };
    let ascii: String = name.chars().map(plain).collect();
    let encoded = utf8_percent_encode(name, NOT_ATTR_CHAR);
    format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_a_name_and_nothing_that_does_harm() {
        for (given, kept) in [
            ("photo.jpg", "photo.jpg"),
            ("Ärger in Köln.pdf", "Ärger in Köln.pdf"),
            ("../../etc/passwd", "passwd"),
            (r"C:\Users\ann\cv.docx", "cv.docx"),
            ("a\r\nSet-Cookie: x=1", "aSet-Cookie x=1"),
            ("a\0b.png", "ab.png"),
            ("\u{202e}gpj.exe", "gpj.exe"),
            ("..", "file"),
            ("", "file"),
            (" . ", "file"),
            ("a\"b<c>.txt", "abc.txt"),
        ] {
            assert_eq!(safe(given), kept, "{given:?}");
        }
    }

    #[test]
    fn shortens_before_the_extension_and_between_characters() {
        let long = safe(&format!("{}.jpeg", "ä".repeat(400)));
        assert!(long.len() <= MAX_BYTES && long.ends_with("ä.jpeg"), "{long}");
        assert!(safe(&"x".repeat(999)).len() == MAX_BYTES);
    }

    #[test]
    fn tells_a_name_in_two_ways() {
        assert_eq!(
            disposition(true, "Ärger, 100%.pdf"),
            "inline; filename=\"_rger, 100_.pdf\"; filename*=UTF-8''%C3%84rger%2C%20100%25.pdf"
        );
        assert_eq!(disposition(false, "a\"\\b"), "attachment; filename=\"a__b\"; filename*=UTF-8''a%22%5Cb");
    }
}
