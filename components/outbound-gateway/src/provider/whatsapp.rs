//! `whatsapp`: Meta's Cloud API.

use http::header::AUTHORIZATION;
use serde_json::{Map, Value, json};

use super::class::{Class, Table, failure, unreadable, verdict};
use super::fields::{Source, post_json};
use super::{Answer, Failure, Outgoing, Plan, Provider, Recipient, Settings, Verdict};

pub const CHANNEL: &str = "whatsapp";

/// Meta's limit for a text.
const MAX_TEXT: usize = 4096;
/// Meta's limit for a caption.
const MAX_CAPTION: usize = 1024;

const CODES: Table = &[
    (Class::RetryByFours, &[131056]),
    (Class::Retry, &[1, 2, 4, 80007, 130429, 131048, 131057, 133004, 131060, 131016, 131000]),
    (
        Class::Refuse,
        &[
            100, 131047, 131051, 131052, 131053, 131026, 131021, 130472, 131049, 131008, 131009, 131030, 131045,
            131005, 132000, 132001, 132005, 132007, 132012, 132015, 132016, 132068, 132069,
        ],
    ),
    (Class::Stop, &[0, 3, 10, 190, 368, 131031, 131042, 133016]),
];

pub struct WhatsApp;

impl Provider for WhatsApp {
    fn settings(&self) -> &'static [&'static str] {
        &["whatsapp_api_base_url", "whatsapp_api_version", "whatsapp_access_token"]
    }

    fn default_account(&self) -> Option<&'static str> {
        Some("whatsapp_phone_number_id")
    }

    fn credentials(&self) -> &'static [(&'static str, &'static str)] {
        &[("access_token", "whatsapp_access_token")]
    }

    fn identities(&self, _: &str) -> &'static [&'static str] {
        &["phone", "bsuid"]
    }

    /// Outside of it only what Meta has approved.
    fn needs_window(&self, outgoing: &Outgoing) -> bool {
        outgoing.kind != "template"
    }

    fn plan(&self, outgoing: &Outgoing, settings: &Settings) -> Result<Plan, Failure> {
        let (base, version) = (settings.base("whatsapp_api_base_url"), settings.need("whatsapp_api_version"));
        let account = &outgoing.account;
        if account.is_empty() || !account.bytes().all(|byte| byte.is_ascii_digit()) {
            let reason = format!("`{account}` is no phone number id of WhatsApp");
            return Err(Failure::new("account_malformed", reason));
        }
        let url = format!("{base}/{version}/{account}/messages");
        let token = (AUTHORIZATION, format!("Bearer {}", settings.need("whatsapp_access_token")));
        Ok(Plan::Call(post_json(&url, &[token], &body(outgoing)?)?))
    }

    fn verdict(&self, answer: &Answer, attempt: u32) -> Verdict {
        let told = answer.json();
        if answer.is_success() && told.get("error").is_none() {
            let id = told.pointer("/messages/0/id").and_then(Value::as_str).filter(|id| !id.is_empty());
            return id.map_or_else(|| unreadable(answer), |id| Verdict::Sent(id.to_owned()));
        }
        let code = told.pointer("/error/code").and_then(Value::as_i64);
        let words = ["/error/error_data/details", "/error/message"];
        let words = words.iter().find_map(|at| told.pointer(at)?.as_str());
        // Whole families: 132xxx is about templates, 2xx about what the token may do.
        let family = match code {
            Some(132_000..=132_999) => Some(100),
            Some(200..=299) => Some(10),
            _ => code,
        };
        verdict(CODES, family, failure(code, words, answer), answer, attempt)
    }

    /// `wa_id` may be another number than the one that was written to (Mexico, Brazil, Argentina), `user_id` is the BSUID.
    fn known_as(&self, answer: &Answer, recipient: &Recipient) -> Vec<(&'static str, String)> {
        let told = answer.json();
        let name = |at: &str| told.pointer(at).and_then(Value::as_str).map(str::to_owned);
        let is_number = |id: &String| (5..=15).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
        let is_bsuid = |id: &String| (4..=140).contains(&id.len()) && id.contains('.') && id.is_ascii();
        let phone = name("/contacts/0/wa_id").filter(is_number).map(|id| ("phone", id));
        let bsuid = name("/contacts/0/user_id").filter(is_bsuid).map(|id| ("bsuid", id));
        let is_new = |(_, id): &(&str, String)| recipient.value.trim_start_matches('+') != id;
        phone.into_iter().chain(bsuid).filter(is_new).collect()
    }
}

fn body(outgoing: &Outgoing) -> Result<Value, Failure> {
    let mut body = json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        // Comes back with every status: so a status finds its message also when the answer to this call is lost.
        "biz_opaque_callback_data": outgoing.message_id,
    });
    let fields = body.as_object_mut().expect("it was made an object");
    address(outgoing.recipient()?, fields)?;
    if let Some(replied_to) = outgoing.reply_to().filter(|_| outgoing.kind != "reaction") {
        fields.insert("context".to_owned(), json!({ "message_id": replied_to }));
    }
    let (kind, content) = content(outgoing)?;
    fields.insert("type".to_owned(), kind.into());
    fields.insert(kind.to_owned(), content);
    Ok(body)
}

/// A BSUID in `to` is answered 200 with an id, and the message is dropped without a word.
fn address(recipient: &Recipient, fields: &mut Map<String, Value>) -> Result<(), Failure> {
    let digits = recipient.value.trim_start_matches('+');
    match recipient.kind.as_str() {
        "bsuid" => fields.insert("recipient".to_owned(), recipient.value.as_str().into()),
        _ if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            fields.insert("to".to_owned(), digits.into())
        }
        _ => return Err(Failure::new("recipient_malformed", "the customer's phone number is none")),
    };
    Ok(())
}

fn content(outgoing: &Outgoing) -> Result<(&'static str, Value), Failure> {
    let of_metadata = |kind: &'static str| {
        let content = outgoing.metadata.get(kind).filter(|content| content.is_object() || content.is_array());
        let missing = || Failure::new("no_content", format!("the message has no `{kind}` in its metadata"));
        content.cloned().map(|content| (kind, content)).ok_or_else(missing)
    };
    match outgoing.kind.as_str() {
        "text" => Ok(("text", json!({ "body": outgoing.text(MAX_TEXT)? }))),
        "image" => media("image", outgoing),
        "video" => media("video", outgoing),
        "audio" => media("audio", outgoing),
        "document" => media("document", outgoing),
        "sticker" => media("sticker", outgoing),
        "template" => template(outgoing),
        "location" => of_metadata("location"),
        "contacts" => of_metadata("contacts"),
        "interactive" => of_metadata("interactive"),
        "reaction" => of_metadata("reaction"),
        other => Err(Failure::new("type_unsupported", format!("WhatsApp takes no message of type `{other}`"))),
    }
}

fn media(kind: &'static str, outgoing: &Outgoing) -> Result<(&'static str, Value), Failure> {
    let media = outgoing.media()?;
    let mut content = match media.source {
        Source::Id(id) => json!({ "id": id }),
        Source::Url(url) => json!({ "link": url }),
    };
    let has_caption = outgoing.body.is_some() && matches!(kind, "image" | "video" | "document");
    let fields = content.as_object_mut().expect("it was made an object");
    if has_caption {
        fields.insert("caption".to_owned(), outgoing.text(MAX_CAPTION)?.into());
    }
    if let (Some(filename), "document") = (media.filename, kind) {
        fields.insert("filename".to_owned(), filename.into());
    }
    Ok((kind, content))
}

/// `metadata.template`: `name`, `language` (a code, or Meta's object), `components`.
fn template(outgoing: &Outgoing) -> Result<(&'static str, Value), Failure> {
    let missing =
        || Failure::new("no_template", "the message has no `template` with `name` and `language` in its metadata");
    let template = outgoing.object("template").ok_or_else(missing)?;
    template.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()).ok_or_else(missing)?;
    let mut template = template.clone();
    let language = template.get("language").ok_or_else(missing)?;
    if let Some(code) = language.as_str() {
        let language = json!({ "code": code });
        template.insert("language".to_owned(), language);
    }
    Ok(("template", Value::Object(template)))
}
