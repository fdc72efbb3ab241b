//! One mail, or one report: our neutral field first, then Postmark's name for the same.

use sdk::clock::parse_rfc3339;
use serde_json::{Map, Value, json};

use super::names::{Mailbox, header, message_id};
use super::{CHANNEL, either};
use crate::channel::fields::{self, Object};
use crate::domain::{Contact, Content, Direction, Identity, Message, Receipt, Update};

/// A mail that lists more people than this is kept with so many.
const MAX_LISTED: usize = 100;

pub(super) fn read(document: Object, account: Option<String>, received_at: i64) -> Update {
    let is_report = document.contains_key("status") || document.contains_key("RecordType");
    let named = if is_report { sender(&document) } else { recipient(&document) };
    let (account, content) = match account.or(named) {
        None => (String::new(), Content::rejected("account_missing")),
        Some(account) if is_report => (account.clone(), report(document, account, received_at)),
        Some(account) => (account.clone(), mail(&document, &account, received_at)),
    };
    Update { at: String::new(), account, content }
}

/// The address that it was sent to: the envelope's, which may be none of those in its head.
fn recipient(mail: &Object) -> Option<String> {
    let listed = either(mail, &["to", "ToFull", "To"]);
    let first = listed.and_then(|to| if let Value::Array(list) = to { list.first() } else { Some(to) });
    either(mail, &["recipient", "OriginalRecipient"])
        .and_then(Mailbox::read)
        .or_else(|| first.and_then(Mailbox::read))
        .map(|mailbox| mailbox.address)
}

/// Postmark names the sender in some reports only; our mails carry it along, as they do our message's id.
fn sender(report: &Object) -> Option<String> {
    let named = either(report, &["from", "From"]).or_else(|| report.get("Metadata")?.get("account"));
    named.and_then(Mailbox::read).map(|mailbox| mailbox.address)
}

fn mail(mail: &Object, account: &str, received_at: i64) -> Content {
    let named = header(mail, "Message-ID").or_else(|| either(mail, &["message_id", "MessageID"])?.as_str());
    let Some(external_id) = named.and_then(message_id) else {
        return Content::rejected("message_without_id");
    };
    let Some(from) = either(mail, &["from", "FromFull", "From"]).and_then(Mailbox::read) else {
        return Content::rejected("message_without_from");
    };
    let identity = Identity { channel_account_id: account.to_owned(), kind: "email", value: from.address };
    Content::Message(Box::new(Message {
        external_id,
        contact: Contact { channel: CHANNEL, identities: vec![identity], name: from.name },
        direction: Direction::Inbound,
        content_type: "text".to_owned(),
        body: words(mail),
        sent_at: fields::believable(text(mail, &["date", "Date"]).as_deref().and_then(parse_rfc3339), received_at),
        metadata: metadata(mail),
    }))
}

/// The new part of the text where the service found it, else all of it; of a mail without text, its subject.
fn words(mail: &Object) -> Option<String> {
    text(mail, &["stripped_text", "StrippedTextReply"])
        .or_else(|| text(mail, &["text", "TextBody"]))
        .or_else(|| text(mail, &["subject", "Subject"]))
}

fn text(object: &Object, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| fields::text(object, name)).map(fields::readable)
}

fn metadata(mail: &Object) -> Map<String, Value> {
    let mut metadata = Map::new();
    metadata.extend(text(mail, &["subject", "Subject"]).map(|subject| ("subject".to_owned(), subject.into())));
    metadata.extend(text(mail, &["html", "HtmlBody"]).map(|html| ("html".to_owned(), html.into())));
    let replied_to = text(mail, &["in_reply_to"]).or_else(|| header(mail, "In-Reply-To").map(str::to_owned));
    metadata.extend(replied_to.as_deref().and_then(message_id).map(|id| ("reply_to".to_owned(), id.into())));
    let references = references(mail);
    if !references.is_empty() {
        metadata.insert("references".to_owned(), references.into());
    }
    for (name, theirs) in [("to", "ToFull"), ("cc", "CcFull")] {
        let listed = either(mail, &[name, theirs]).and_then(Value::as_array).into_iter().flatten();
        let people: Vec<String> = listed.take(MAX_LISTED).filter_map(Mailbox::read).map(|one| one.address).collect();
        if !people.is_empty() {
            metadata.insert(name.to_owned(), people.into());
        }
    }
    let attachments = attachments(mail);
    if !attachments.is_empty() {
        metadata.insert("attachments".to_owned(), attachments.into());
    }
    metadata
}

fn references(mail: &Object) -> Vec<String> {
    match either(mail, &["references"]) {
        Some(Value::Array(list)) => list.iter().take(MAX_LISTED).filter_map(|id| message_id(id.as_str()?)).collect(),
        Some(Value::String(text)) => text.split_whitespace().take(MAX_LISTED).filter_map(message_id).collect(),
        _ => header(mail, "References")
            .unwrap_or_default()
            .split_whitespace()
            .take(MAX_LISTED)
            .filter_map(message_id)
            .collect(),
    }
}

/// What they are; the bytes, where they came along, stay in the stored delivery.
fn attachments(mail: &Object) -> Vec<Value> {
    let listed = either(mail, &["attachments", "Attachments"]).and_then(Value::as_array).into_iter().flatten();
    let attachment = |one: &Object| {
        json!({
            "filename": text(one, &["filename", "Name"]),
            "mime_type": text(one, &["mime_type", "ContentType"]),
            "size": either(one, &["size", "ContentLength"]).and_then(Value::as_u64),
            "content_id": text(one, &["content_id", "ContentID"]),
            "url": text(one, &["url"]),
        })
    };
    listed.take(MAX_LISTED).filter_map(Value::as_object).map(attachment).collect()
}

/// What became of a mail of ours. Postmark's own words are told in those that all channels share.
fn report(mut report: Object, account: String, received_at: i64) -> Content {
    let Some(external_message_id) = text(&report, &["message_id", "MessageID"]).as_deref().and_then(message_id) else {
        return Content::rejected("status_without_id");
    };
    let word = text(&report, &["status", "RecordType"]).map(|word| word.to_lowercase()).unwrap_or_default();
    let Some(status) = fields::word(shared_word(&word)).map(str::to_owned) else {
        return Content::rejected("status_malformed");
    };
    let at = text(&report, &["at", "DeliveredAt", "BouncedAt", "ReceivedAt"]).as_deref().and_then(parse_rfc3339);
    tell(&mut report, &status);
    Content::Receipt(Receipt {
        channel_account_id: account,
        external_message_id,
        status,
        at: fields::believable(at, received_at),
        details: Value::Object(report).to_string(),
    })
}

fn shared_word(word: &str) -> &str {
    match word {
        "delivery" => "delivered",
        "bounce" | "bounced" | "spamcomplaint" => "failed",
        "open" | "opened" => "read",
        word => word,
    }
}

/// Under the names that all channels share: which of our messages this is, and why it failed.
fn tell(report: &mut Object, status: &str) {
    report.remove("message_id");
    let ours = report.get("Metadata").and_then(Value::as_object).and_then(|ours| fields::id(ours, "message_id"));
    if let Some(ours) = ours.or_else(|| fields::id(report, "client_ref")) {
        report.insert("message_id".to_owned(), ours.into());
    }
    if status == "failed" {
        let code = fields::key(report, "code").or_else(|| fields::key(report, "Type"));
        let reason = text(report, &["reason", "Description", "Details"]);
        report.insert("failure".to_owned(), fields::failure(code, reason));
    }
}
