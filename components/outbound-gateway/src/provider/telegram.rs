//! `telegram`: the Bot API's sending methods.

use serde_json::{Value, json};

use super::class::{Class, Table, failure, unreadable, verdict};
use super::fields::{Source, post_json};
use super::{Answer, Failure, Outgoing, Plan, Provider, Settings, Verdict};

pub const CHANNEL: &str = "telegram";

const MAX_TEXT: usize = 4096;
const MAX_CAPTION: usize = 1024;

/// Telegram's codes are HTTP's. An unknown bot is 404; 403 is a person who blocked the bot or never wrote to it.
const CODES: Table = &[(Class::Retry, &[429, 500]), (Class::Refuse, &[400, 403]), (Class::Stop, &[401, 404])];

pub struct Telegram;

impl Provider for Telegram {
    fn settings(&self) -> &'static [&'static str] {
        &["telegram_api_base_url", "telegram_bot_token"]
    }

    fn credentials(&self) -> &'static [(&'static str, &'static str)] {
        &[("bot_token", "telegram_bot_token")]
    }

    fn identities(&self) -> &'static [&'static str] {
        &["chat-id"]
    }

    fn plan(&self, outgoing: &Outgoing, settings: &Settings) -> Result<Plan, Failure> {
        let (method, mut body) = content(outgoing)?;
        let fields = body.as_object_mut().expect("it was made an object");
        fields.insert("chat_id".to_owned(), outgoing.recipient()?.value.as_str().into());
        // `<chat>:<message>`, as the inbound side names it.
        let replied_to = outgoing.reply_to().and_then(|id| id.rsplit_once(':')?.1.parse::<i64>().ok());
        if let Some(replied_to) = replied_to {
            fields.insert(
                "reply_parameters".to_owned(),
                json!({ "message_id": replied_to, "allow_sending_without_reply": true }),
            );
        }
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

fn content(outgoing: &Outgoing) -> Result<(&'static str, Value), Failure> {
    let (method, field) = match outgoing.kind.as_str() {
        "text" => return Ok(("sendMessage", json!({ "text": outgoing.text(MAX_TEXT)? }))),
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
        let caption = outgoing.text(MAX_CAPTION)?;
        body.as_object_mut().expect("it was made an object").insert("caption".to_owned(), caption.into());
    }
    Ok((method, body))
}
