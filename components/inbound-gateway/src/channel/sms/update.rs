//! What a webhook of Twilio's says: somebody wrote to one of our numbers, or something became of what we sent.

use serde_json::{Map, Value};

use super::CHANNEL;
use super::form::Form;
use crate::channel::fields::{self, Object};
use crate::channel::parts;
use crate::domain::{Contact, Content, Direction, Identity, Message, Receipt, Update};

/// Kept in the metadata as they came, when they are there.
const KEPT: [&str; 19] = [
    "MessagingServiceSid",
    "NumSegments",
    "FromCity",
    "FromState",
    "FromCountry",
    "Forwarded",
    "ButtonPayload",
    "ReferralSourceUrl",
    "ReferralHeadline",
    "ReferralBody",
    "ExternalUserId",
    "ParentExternalUserId",
    "OptOutType",
    "MessageType",
    "FlowData",
    "InteractiveData",
    "ListId",
    "ListTitle",
    "ChannelMetadata",
];

/// Twilio sends ten media at most; what claims more is read no further.
const MAX_MEDIA: usize = 100;

/// A status, or a message; of an MMS, a message for each file, because a message has one. The words are the first's.
pub(super) fn read(form: &Form, ours: Option<String>, received_at: i64) -> Vec<Update> {
    let first = item(form, ours, received_at);
    let more = match &first.content {
        Content::Message(message) => further_files(form, &first.account, message),
        _ => Vec::new(),
    };
    std::iter::once(first).chain(more).collect()
}

fn item(form: &Form, ours: Option<String>, received_at: i64) -> Update {
    let status = form.get("MessageStatus").or_else(|| form.get("SmsStatus")).unwrap_or("received");
    let (account, content) = match status {
        "received" | "receiving" => ("To", message(form, received_at)),
        status => ("From", receipt(form, status, ours, received_at)),
    };
    let account = form.get(account).and_then(identifier);
    match (account, content) {
        (Some(account), content) => Update { at: String::new(), account, content },
        (None, content @ (Content::Ignored(_) | Content::Rejected(_))) => bare(content),
        (None, _) => bare(Content::rejected("account_missing")),
    }
}

fn further_files(form: &Form, account: &str, first: &Message) -> Vec<Update> {
    let further = |(index, medium)| {
        parts::further(first, account, &format!("media:{index}"), format!("/MediaUrl{index}"), medium)
    };
    media(form).into_iter().enumerate().skip(1).map(further).collect()
}

fn bare(content: Content) -> Update {
    Update { at: String::new(), account: String::new(), content }
}

fn message(form: &Form, received_at: i64) -> Content {
    let Some(external_id) = sid(form) else {
        return Content::rejected("message_without_id");
    };
    let Some((account, from)) = form.get("To").and_then(identifier).zip(form.get("From").and_then(identifier)) else {
        return Content::rejected("message_without_from");
    };
    let media = media(form).into_iter().next();
    let button = form.get("ButtonText").or_else(|| form.get("ListTitle"));
    let words = form.get("Body").or(button).map(fields::readable);
    Content::Message(Box::new(Message {
        external_id,
        contact: Contact {
            channel: CHANNEL,
            identities: vec![identity(&account, &from)],
            name: fields::name(&form.object(), "ProfileName"),
        },
        direction: Direction::Inbound,
        content_type: kind(form, media.as_ref()).to_owned(),
        body: words,
        sent_at: received_at,
        metadata: metadata(form, media),
    }))
}

/// Twilio's names for one id; the oldest webhooks have the other ones.
fn sid(form: &Form) -> Option<String> {
    ["MessageSid", "SmsSid", "SmsMessageSid"].into_iter().find_map(|name| identifier(form.get(name)?))
}

fn identifier(text: &str) -> Option<String> {
    let text = text.trim();
    ((1..=255).contains(&text.len()) && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

/// What stands before a telephone number; other prefixes (`messenger:`, `instagram:`) stand before ids of their own.
const NUMBERED: [&str; 3] = ["whatsapp", "rcs", "sms"];

/// Numbers as digits, as WhatsApp writes them. What is no number is told as it came, with its prefix: the digits of a Messenger id
/// are somebody else's telephone.
fn identity(account: &str, from: &str) -> Identity {
    let number = match from.split_once(':') {
        Some((prefix, number)) => Some(number).filter(|_| NUMBERED.contains(&prefix.to_ascii_lowercase().as_str())),
        None => Some(from),
    };
    let digits = number.map(|number| number.strip_prefix('+').unwrap_or(number));
    let digits = digits.filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    let (kind, value) = digits.map_or(("sender-id", from), |digits| ("phone", digits));
    Identity { channel_account_id: account.to_owned(), kind, value: value.to_owned() }
}

fn media(form: &Form) -> Vec<Value> {
    let count = form.get("NumMedia").and_then(|count| count.parse::<usize>().ok()).unwrap_or(0).min(MAX_MEDIA);
    let medium = |n| {
        let url = form.get(&format!("MediaUrl{n}"))?;
        let kind = form.get(&format!("MediaContentType{n}"));
        Some(serde_json::json!({ "url": url, "mime_type": kind }))
    };
    (0..count).filter_map(medium).collect()
}

fn kind(form: &Form, medium: Option<&Value>) -> &'static str {
    match medium.map(|medium| parts::kind(medium["mime_type"].as_str())) {
        Some(kind) => kind,
        None if form.get("Latitude").is_some() => "location",
        None if form.get("ButtonText").is_some() => "button",
        None if ["ListId", "FlowData", "InteractiveData"].iter().any(|name| form.get(name).is_some()) => "interactive",
        None => "text",
    }
}

fn metadata(form: &Form, medium: Option<Value>) -> Map<String, Value> {
    let mut metadata = Map::new();
    let fields = form.object();
    metadata.extend(KEPT.iter().filter_map(|name| Some(((*name).to_owned(), fields.get(*name)?.clone()))));
    if let Some(replied_to) = form.get("OriginalRepliedMessageSid") {
        metadata.insert("reply_to".to_owned(), replied_to.into());
    }
    if let [latitude, longitude] = ["Latitude", "Longitude"].map(|name| form.get(name))
        && latitude.is_some()
    {
        let place = serde_json::json!({
            "latitude": latitude, "longitude": longitude, "address": form.get("Address"), "name": form.get("Label"),
        });
        metadata.insert("location".to_owned(), place);
    }
    metadata.extend(medium.map(|medium| ("media".to_owned(), medium)));
    metadata
}

fn receipt(form: &Form, status: &str, ours: Option<String>, received_at: i64) -> Content {
    let Some(external_message_id) = sid(form) else {
        return Content::rejected("status_without_id");
    };
    let Some(channel_account_id) = form.get("From").and_then(identifier) else {
        return Content::rejected("account_missing");
    };
    let Some(status) = fields::word(status) else {
        return Content::rejected("status_malformed");
    };
    let word = shared_word(status);
    let details = Value::Object(details(form, word, ours)).to_string();
    let status = word.to_owned();
    Content::Receipt(Receipt { channel_account_id, external_message_id, status, at: received_at, details })
}

/// Twilio's word for what all channels call failed; every other word says the same everywhere.
fn shared_word(status: &str) -> &str {
    match status {
        "undelivered" | "canceled" => "failed",
        status => status,
    }
}

/// All that came, and under the names that all channels share: which of our messages this is, and why it failed.
fn details(form: &Form, word: &str, ours: Option<String>) -> Object {
    let mut details = form.object();
    if let Some(ours) = ours {
        details.insert("message_id".to_owned(), ours.into());
    }
    if word == "failed" {
        let code = form.get("ErrorCode").map(str::to_owned);
        let reason = form.get("ErrorMessage").or_else(|| form.get("ChannelStatusMessage")).map(str::to_owned);
        let reason = reason.or_else(|| Some(format!("the provider reports `{}`", form.get("MessageStatus")?)));
        details.insert("failure".to_owned(), fields::failure(code, reason));
    }
    details
}
