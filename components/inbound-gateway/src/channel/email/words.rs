//! What a person reads of a mail: the new part of its text, else all of it, else what its HTML says.

use mail_parser::decoders::html::html_to_text;

use super::text;
use crate::channel::fields::{self, Object};

/// Of HTML, which is mostly layout, what is turned into words.
const MAX_HTML_BYTES: usize = 1 << 20;

/// A mail in HTML alone often comes with a text of nothing but blanks: that is no text. Its subject stands before what the HTML says.
pub(super) fn read(mail: &Object) -> Option<String> {
    let visible = |names: &[&str]| text(mail, names).filter(|text| fields::is_visible(text));
    let written = visible(&["stripped_text", "StrippedTextReply"]).or_else(|| visible(&["text", "TextBody"]));
    written.or_else(|| {
        let parts = [visible(&["subject", "Subject"]), visible(&["html", "HtmlBody"]).and_then(|html| of_html(&html))];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join("\n\n"))
    })
}

fn of_html(html: &str) -> Option<String> {
    let mut end = html.len().min(MAX_HTML_BYTES);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let html = without(&without(html.get(..end)?, "style"), "script");
    let text = html_to_text(&html);
    // Layout leaves many empty lines; one between paragraphs is enough.
    let mut lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.dedup_by(|line, before| line.is_empty() && before.is_empty());
    let text = lines.join("\n");
    Some(fields::readable(text.trim())).filter(|text| fields::is_visible(text))
}

/// Without these elements: what is in them is not shown.
fn without(html: &str, element: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let (open, close) = (format!("<{element}"), format!("</{element}"));
    let (mut kept, mut at) = (String::with_capacity(html.len()), 0);
    while let Some(start) = lower.get(at..).and_then(|rest| rest.find(&open)).map(|found| at + found) {
        kept.push_str(html.get(at..start).unwrap_or_default());
        let end = lower.get(start..).and_then(|rest| rest.find(&close)).map(|found| start + found);
        at = end.unwrap_or(html.len());
    }
    kept.push_str(html.get(at..).unwrap_or_default());
    kept
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(mail: serde_json::Value) -> Option<String> {
        read(mail.as_object().unwrap())
    }

    #[test]
    fn what_says_nothing_is_no_text() {
        for blank in ["", "\r\n", " \u{a0}\r\n\r\n", "\u{200b}\r\n", "\u{feff}\u{ad}"] {
            let mail = json!({ "Subject": "Broken lamp", "TextBody": blank, "StrippedTextReply": blank, "HtmlBody": "<p>It broke</p>" });
            assert_eq!(words(mail).as_deref(), Some("Broken lamp\n\nIt broke"), "{blank:?}");
            assert_eq!(words(json!({ "text": blank, "subject": "Hi" })).as_deref(), Some("Hi"));
            assert_eq!(words(json!({ "text": blank, "subject": blank, "html": "<br>" })), None);
        }
        assert_eq!(words(json!({ "stripped_text": "\n", "text": "> quoted" })).as_deref(), Some("> quoted"));
    }

    #[test]
    fn html_is_read_as_a_person_reads_it() {
        let html = "<html><head><title>no</title><style>p { color: red }</style></head><body><STYLE>x</STYLE><p>Gr&uuml;&szlig;e &amp; more</p>\
                    <!-- hidden --><p>Second<br/>line</p><script>alert(1)</script></body></html>";
        assert_eq!(words(json!({ "html": html })).as_deref(), Some("Grüße & more\nSecond\nline"));
    }

    #[test]
    fn broken_html_is_read_as_far_as_it_goes() {
        for html in ["<", "<p", "a<script>b", "<style", "&#x110000;", "&#99999999999;", "<!--", "ü<ü>ü&ü;ü"] {
            words(json!({ "html": html }));
        }
        let long = format!("<p>{}</p>", "ü".repeat(MAX_HTML_BYTES));
        assert!(words(json!({ "html": long })).unwrap().len() <= MAX_HTML_BYTES);
    }
}
