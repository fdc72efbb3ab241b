//! One mail, or one report: our neutral field first, then Postmark's name for the same.

use serde_json::{Map, Value, json};

use super::names::{Mailbox, date, hashed, header, message_id};
use super::sender::{self, Sender};
use super::{CHANNEL, MAX_LISTED, automatic, either, text, words};
use crate::channel::fields::{self, Object};
use crate::channel::{carried, parts};
use crate::domain::{Contact, Content, Direction, Identity, Message, Receipt, Update};

/// HTML beyond this is not kept with the message; it stays in the delivery.
const MAX_HTML_BYTES: usize = 128 << 10;

/// Files of a mail that are no content: signatures of the mail itself.
const NO_FILES: [&str; 3] =
    ["application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"];

/// A report, or a mail; of a mail with files, a message for each, because a message has one. The words are the first's.
pub(super) fn read(document: Object, account: Option<String>, received_at: i64) -> Vec<Update> {
    let is_report = document.contains_key("status") || document.contains_key("RecordType");
    let named = if is_report { speaker(&document) } else { recipient(&document) };
    let update = |account: String, content| Update { at: String::new(), account, content };
    match account.or(named) {
        None => vec![update(String::new(), Content::rejected("account_missing"))],
        Some(account) if is_report => vec![update(account.clone(), report(document, account, received_at))],
        Some(account) => match mail(&document, &account, received_at) {
            Ok(mail) => parts::spread(mail, &account, files(&document)),
            Err(content) => vec![update(account, content)],
        },
    }
}

/// The address that it was sent to: the envelope's, which may be none of those in its head.
fn recipient(mail: &Object) -> Option<String> {
    let listed = || either(mail, &["to", "ToFull", "To"]).and_then(Mailbox::read);
    let recipient = either(mail, &["recipient", "OriginalRecipient"]).and_then(Mailbox::read);
    recipient.or_else(listed).map(|mailbox| mailbox.address)
}

/// Postmark names the sender in some reports only; our mails carry it along, as they do our message's id.
fn speaker(report: &Object) -> Option<String> {
    let named = either(report, &["from", "From"]).or_else(|| report.get("Metadata")?.get("account"));
    named.and_then(Mailbox::read).map(|mailbox| mailbox.address)
}

fn mail(mail: &Object, account: &str, received_at: i64) -> Result<Message, Content> {
    let external_id = id(mail).ok_or_else(|| Content::rejected("message_without_id"))?;
    let sender = sender::read(mail, account);
    let Sender { author, sent_from } = sender.ok_or_else(|| Content::rejected("message_without_from"))?;
    let is_automatic = automatic::is_answer(mail);
    let identity = Identity { channel_account_id: account.to_owned(), kind: "email", value: author.address };
    let sent_at = either(mail, &["date", "Date"]).and_then(date).or_else(|| date(&header(mail, "Date")?.into()));
    let mut metadata = metadata(mail);
    metadata.extend(sent_from.map(|address| ("from".to_owned(), address.into())));
    metadata.extend(is_automatic.then(|| ("auto_reply".to_owned(), true.into())));
    metadata.insert("message_id".to_owned(), external_id.as_str().into());
    Ok(Message {
        external_id,
        contact: Contact { channel: CHANNEL, identities: vec![identity], name: author.name },
        direction: if is_automatic { Direction::System } else { Direction::Inbound },
        content_type: "text".to_owned(),
        body: words::read(mail),
        sent_at: fields::believable(sent_at, received_at),
        metadata,
    })
}

/// The mail's own, else the mail service's. What no id can look like is known by its hash.
fn id(mail: &Object) -> Option<String> {
    let told = || either(mail, &["message_id", "MessageID"])?.as_str();
    let named = header(mail, "Message-ID");
    named.and_then(message_id).or_else(|| told().and_then(message_id)).or_else(|| hashed(named.or_else(told)?))
}

fn metadata(mail: &Object) -> Map<String, Value> {
    let mut metadata = Map::new();
    metadata.extend(text(mail, &["subject", "Subject"]).map(|subject| ("subject".to_owned(), subject.into())));
    // Whether it may be answered by a machine is for whoever would.
    for (name, theirs) in [("auto_submitted", "Auto-Submitted"), ("precedence", "Precedence")] {
        let word = header(mail, theirs).and_then(|value| value.split([';', ' ']).next()).map(str::to_ascii_lowercase);
        metadata.extend(word.filter(|word| fields::is_visible(word)).map(|word| (name.to_owned(), word.into())));
    }
    let html = text(mail, &["html", "HtmlBody"]);
    metadata.extend(html.map(|html| match html.len() {
        0..=MAX_HTML_BYTES => ("html".to_owned(), html.into()),
        size => ("html_omitted".to_owned(), json!({ "size": size })),
    }));
    let replied_to = text(mail, &["in_reply_to"]).or_else(|| header(mail, "In-Reply-To").map(str::to_owned));
    metadata.extend(replied_to.as_deref().and_then(message_id).map(|id| ("reply_to".to_owned(), id.into())));
    let references = references(mail);
    if !references.is_empty() {
        metadata.insert("references".to_owned(), references.into());
    }
    for (name, theirs) in [("to", ["ToFull", "To"]), ("cc", ["CcFull", "Cc"])] {
        let listed = either(mail, &[name, theirs[0], theirs[1]]).map(|value| Mailbox::all(value, MAX_LISTED));
        let people: Vec<String> = listed.into_iter().flatten().map(|one| one.address).collect();
        if !people.is_empty() {
            metadata.insert(name.to_owned(), people.into());
        }
    }
    let attachments: Vec<Value> = listed(mail).map(|(_, one)| described(one)).collect();
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

/// The attachments, each with its place.
fn listed(mail: &Object) -> impl Iterator<Item = (String, &Object)> {
    let names = ["attachments", "Attachments"];
    let found = names.into_iter().find_map(|name| Some((name, mail.get(name)?.as_array()?)));
    let all = found
        .into_iter()
        .flat_map(|(name, list)| list.iter().enumerate().map(move |(n, one)| (format!("/{name}/{n}"), one)));
    all.take(MAX_LISTED).filter_map(|(at, one)| Some((at, one.as_object()?)))
}

fn described(one: &Object) -> Value {
    json!({
        "filename": text(one, &["filename", "Name"]),
        "mime_type": text(one, &["mime_type", "ContentType"]),
        "size": either(one, &["size", "ContentLength"]).and_then(Value::as_u64),
        "content_id": text(one, &["content_id", "ContentID"]),
        "url": text(one, &["url"]),
    })
}

/// Those whose bytes came along; pictures that the HTML shows in its place (logos, mostly) after the others.
fn files(mail: &Object) -> Vec<(String, Value)> {
    let is_content = |one: &Value| one["mime_type"].as_str().is_none_or(|kind| !NO_FILES.contains(&kind));
    let mut files: Vec<(String, Value)> = listed(mail)
        .filter_map(|(at, one)| {
            let carried = carried::read(either(one, &["content", "Content"])?)?;
            Some((at, carried.beside(described(one))))
        })
        .filter(|(_, one)| is_content(one))
        .collect();
    let html = either(mail, &["html", "HtmlBody"]).and_then(Value::as_str).unwrap_or_default();
    let is_shown = |one: &Value| {
        let id = one["content_id"].as_str().map(|id| id.trim_matches(['<', '>']));
        id.is_some_and(|id| !id.is_empty() && html.contains(&format!("cid:{id}")))
    };
    files.sort_by_cached_key(|(_, one)| is_shown(one));
    files
}

/// What became of a mail of ours. Postmark's own words are told in those that all channels share.
fn report(mut report: Object, account: String, received_at: i64) -> Content {
    let Some(external_message_id) = text(&report, &["message_id", "MessageID"]).as_deref().and_then(message_id) else {
        return Content::rejected("status_without_id");
    };
    let word = text(&report, &["status", "RecordType"]).map(|word| word.to_lowercase()).unwrap_or_default();
    // Of a bounce that is none, the provider's own word is kept, which changes nothing of the message.
    let word = if word == "bounce" { automatic::no_bounce(&report).unwrap_or("bounce") } else { &word };
    let Some(status) = fields::word(shared_word(word)).map(str::to_owned) else {
        return Content::rejected("status_malformed");
    };
    let at = either(&report, &["at", "DeliveredAt", "BouncedAt", "ReceivedAt"]).and_then(date);
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
