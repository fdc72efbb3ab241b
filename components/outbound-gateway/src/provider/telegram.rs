//! `telegram`: the Bot API's sending methods.

use serde_json::{Map, Value, json};

use super::class::{Class, Table, failure, unreadable, verdict};
use super::fields::{Source, post_json};
use super::{Answer, Earlier, Failure, Outgoing, Plan, Provider, Settings, Verdict};

pub const CHANNEL: &str = "telegram";

const MAX_TEXT: usize = 4096;
const MAX_CAPTION: usize = 1024;

/// Telegram's codes are HTTP's. An unknown bot is 404; 403 is a person who blocked the bot or never wrote to it. What a 500 left behind
/// nobody knows, and nobody can ask.
const CODES: Table = &[(Class::Retry, &[429]), (Class::Refuse, &[400, 403]), (Class::Stop, &[401, 404])];

pub struct Telegram;

impl Provider for Telegram {
    fn settings(&self) -> &'static [&'static str] {
        &["telegram_api_base_url", "telegram_bot_token"]
    }

    fn credentials(&self) -> &'static [(&'static str, &'static str)] {
        &[("bot_token", "telegram_bot_token")]
    }

    fn identities(&self, _: &str) -> &'static [&'static str] {
        &["chat-id"]
    }

    fn follows_thread(&self) -> bool {
        true
    }

    fn plan(&self, outgoing: &Outgoing, settings: &Settings) -> Result<Plan, Failure> {
        let (method, mut body) = content(outgoing)?;
        let fields = body.as_object_mut().expect("it was made an object");
        address(outgoing, fields)?;
        let (base, token) = (settings.base("telegram_api_base_url"), settings.need("telegram_bot_token"));
        Ok(Plan::Call(post_json(&format!("{base}/bot{token}/{method}"), &[], &body)?))
    }

    fn verdict(&self, answer: &Answer, attempt: u32) -> Verdict {
        let told = answer.json();
        if told.get("ok") == Some(&Value::Bool(true)) {
            let id = |at| told.pointer(at).and_then(Value::as_i64);
            return match (id("/result/chat/id"), id("/result/message_id")) {
                (Some(chat), Some(message)) => Verdict::Sent(format!("{chat}:{message}")),
                _ => unreadable(answer),
            };
        }
        if answer.is_success() {
            return unreadable(answer);
        }
        let code = told.get("error_code").and_then(Value::as_i64);
        let failure = failure(code, told.get("description").and_then(Value::as_str), answer);
        let wait = told.pointer("/parameters/retry_after").and_then(Value::as_u64);
        let answer = Answer { retry_after_seconds: wait.or(answer.retry_after_seconds), ..answer.clone() };
        verdict(CODES, code, failure, &answer, attempt)
    }
}

/// Where the question was: its chat, its topic, and the business account in whose name the bot answers there.
fn address(outgoing: &Outgoing, fields: &mut Map<String, Value>) -> Result<(), Failure> {
    let private = outgoing.recipient()?.value.as_str();
    let quoted = outgoing.reply_to().and_then(quoted);
    let asked = outgoing.earlier.iter().filter(|one| one.is_inbound);
    let is_quoted = |one: &&Earlier| quoted.is_some_and(|(chat, _)| chat == chat_of(one, private));
    // Only where this customer has written: a client's word alone opens no chat.
    let question = asked.clone().find(is_quoted).or_else(|| asked.clone().next());
    let chat = match quoted {
        Some((chat, _)) if chat == private => private,
        _ => question.map_or(private, |question| chat_of(question, private)),
    };
    let question = question.filter(|question| chat_of(question, private) == chat);
    fields.insert("chat_id".to_owned(), chat.into());
    for name in ["business_connection_id", "message_thread_id"] {
        let value = question.and_then(|question| question.metadata.get(name)).filter(|value| !value.is_null());
        fields.extend(value.map(|value| (name.to_owned(), value.clone())));
    }
    if let Some((quoted_chat, message)) = quoted {
        let mut quotation = json!({ "message_id": message, "allow_sending_without_reply": true });
        if quoted_chat != chat {
            quotation.as_object_mut().expect("it was made an object").insert("chat_id".to_owned(), quoted_chat.into());
        }
        fields.insert("reply_parameters".to_owned(), quotation);
    }
    Ok(())
}

/// `<chat>:<message>`, as the inbound side names it, perhaps with more; a tap on a button has no message of its own.
fn quoted(id: &str) -> Option<(&str, i64)> {
    let mut parts = id.split(':');
    let (chat, message) = (parts.next()?, parts.next()?);
    chat.parse::<i64>().ok()?;
    Some((chat, message.parse().ok()?))
}

/// The group that a message was written in, else the customer's own chat.
fn chat_of<'a>(message: &'a Earlier, private: &'a str) -> &'a str {
    message.text("group_id").unwrap_or(private)
}

fn content(outgoing: &Outgoing) -> Result<(&'static str, Value), Failure> {
    let (method, field) = match outgoing.kind.as_str() {
        "text" => return Ok(("sendMessage", json!({ "text": outgoing.text_in_utf16(MAX_TEXT)? }))),
        "image" => ("sendPhoto", "photo"),
        "video" => ("sendVideo", "video"),
        "audio" => ("sendAudio", "audio"),
        "document" => ("sendDocument", "document"),
        "sticker" => ("sendSticker", "sticker"),
        "location" => {
            let place = outgoing.object("location").cloned();
            let missing = || Failure::new("no_content", "the message has no `location` in its metadata");
            return Ok(("sendLocation", Value::Object(place.ok_or_else(missing)?)));
        }
        other => return Err(Failure::new("type_unsupported", format!("Telegram takes no message of type `{other}`"))),
    };
    let media = outgoing.media()?;
    let (Source::Id(source) | Source::Url(source)) = media.source;
    let mut body = json!({ field: source });
    if outgoing.body.is_some() && method != "sendSticker" {
        let caption = outgoing.text_in_utf16(MAX_CAPTION)?;
        body.as_object_mut().expect("it was made an object").insert("caption".to_owned(), caption.into());
    }
    Ok((method, body))
}
