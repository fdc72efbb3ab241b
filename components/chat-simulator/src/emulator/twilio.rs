//! Twilio's send endpoint: reads the form that the platform sends, and answers in Twilio's words.

use sdk::clock::mail_date;
use sdk::query::{Query, percent_decode};
use serde_json::{Value, json};

use super::{Emulated, Sent, codes};

pub use crate::provider::twilio::CHANNEL;

const MAX_TEXT: usize = 1600;

/// Why Twilio does not take it.
pub type Refusal = (i64, String);

pub fn read(body: &[u8]) -> Result<Sent, Refusal> {
    let missing = |name: &str| (21_211, format!("A '{name}' is required."));
    let text = std::str::from_utf8(body).map_err(|_| missing("To"))?;
    let form = Query::parse(text).map_err(|_| missing("To"))?;
    let to = number(form.get("To").ok_or_else(|| missing("To"))?)
        .ok_or((21_211, "The 'To' number is not valid.".to_owned()))?;
    let sender = form.get("From").or_else(|| form.get("MessagingServiceSid")).ok_or_else(|| missing("From"))?;
    let words = form.get("Body");
    if words.is_some_and(|words| words.encode_utf16().count() > MAX_TEXT) {
        return Err((21_617, "The body is longer than 1600 characters.".to_owned()));
    }
    let (media, template) = (form.get("MediaUrl"), form.get("ContentSid"));
    if words.is_none() && media.is_none() && template.is_none() {
        return Err((21_211, "Message body or media is required.".to_owned()));
    }
    Ok(Sent {
        channel: CHANNEL,
        account: number(sender).unwrap_or_else(|| sender.to_owned()),
        recipient: to,
        kind: if media.is_some() { "media" } else { "text" }.to_owned(),
        text: words.map(str::to_owned),
        ours: None,
        callback: form.get("StatusCallback").map(callback),
        is_dropped: false,
    })
}

/// Digits, as the platform keeps numbers; of WhatsApp's, too.
fn number(text: &str) -> Option<String> {
    let digits = text.trim_start_matches("whatsapp:").trim_start_matches('+');
    let is_number = (5..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.to_owned())
}

/// What stands behind the path of the address: `?message_id=…`. Reports go to our own webhook, whatever host the address names.
fn callback(url: &str) -> String {
    url.split_once('?')
        .filter(|(_, query)| percent_decode(query).is_some())
        .map(|(_, query)| format!("?{query}"))
        .unwrap_or_default()
}

pub fn accepted(account_sid: &str, sid: &str, sent: &Sent) -> Value {
    json!({
        "sid": sid, "account_sid": account_sid, "status": "queued", "direction": "outbound-api", "api_version": "2010-04-01",
        "from": format!("+{}", sent.account), "to": format!("+{}", sent.recipient), "body": sent.text, "num_media": "0", "num_segments": "1",
        "error_code": null, "error_message": null, "price": null, "price_unit": "USD",
    })
}

/// Which messages are asked for.
pub struct Wanted {
    /// As it was written, and as it is kept.
    to: String,
    pub recipient: String,
    from: Option<String>,
    pub limit: u32,
}

/// `To` must be there: nobody needs all messages of an account here.
pub fn wanted(query: &Query) -> Result<Wanted, Refusal> {
    let missing = || (21_211, "A 'To' number is required.".to_owned());
    let to = query.get("To").ok_or_else(missing)?;
    let limit = query.get("PageSize").and_then(|size| size.parse().ok()).unwrap_or(50);
    Ok(Wanted {
        to: to.to_owned(),
        recipient: number(to).ok_or_else(missing)?,
        from: query.get("From").map(str::to_owned),
        limit: u32::clamp(limit, 1, 1000),
    })
}

/// The newest first, as Twilio shows them.
pub fn listed(account_sid: &str, wanted: &Wanted, found: &[Emulated]) -> Value {
    let account = wanted.from.as_deref().map(|from| number(from).unwrap_or_else(|| from.to_owned()));
    let page = found.iter().take(usize::try_from(wanted.limit).unwrap_or(usize::MAX));
    let theirs = page.filter(|one| account.as_ref().is_none_or(|account| *account == one.sent.account));
    let messages: Vec<Value> = theirs.map(|one| shown(account_sid, wanted, one)).collect();
    let is_last = found.len() <= messages.len().max(usize::try_from(wanted.limit).unwrap_or(usize::MAX));
    let next = format!("/2010-04-01/Accounts/{account_sid}/Messages.json?Page=1");
    json!({ "messages": messages, "page": 0, "page_size": wanted.limit, "next_page_uri": (!is_last).then_some(next) })
}

fn shown(account_sid: &str, wanted: &Wanted, one: &Emulated) -> Value {
    let service = one.sent.account.starts_with("MG").then_some(one.sent.account.as_str());
    let from = wanted.from.clone().unwrap_or_else(|| format!("+{}", one.sent.account));
    json!({
        "sid": one.id, "account_sid": account_sid, "status": "sent", "direction": "outbound-api", "api_version": "2010-04-01",
        "to": wanted.to, "from": from, "messaging_service_sid": service, "body": one.sent.text, "num_segments": "1",
        "date_created": mail_date(one.taken_at), "date_sent": mail_date(one.taken_at), "error_code": null, "error_message": null,
    })
}

/// The status and the body of a refusal.
pub fn refused(code: i64, details: &str) -> (u16, Value) {
    let known = codes::TWILIO.iter().find(|known| known.code == code);
    let status = known.map_or(400, |known| known.status);
    let info = format!("https://www.twilio.com/docs/errors/{code}");
    (status, json!({ "code": code, "message": details, "more_info": info, "status": status }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_form() {
        let form = b"To=%2B999123456789&From=%2B999000000001&Body=Hello+you&StatusCallback=https%3A%2F%2Fx%2Fwebhooks%2Fsms%3Fmessage_id%3Dm-1";
        let sent = read(form).unwrap();
        assert_eq!((sent.account.as_str(), sent.recipient.as_str()), ("999000000001", "999123456789"));
        assert_eq!((sent.text.as_deref(), sent.callback.as_deref()), (Some("Hello you"), Some("?message_id=m-1")));
        let service = read(b"To=whatsapp%3A%2B999123456789&MessagingServiceSid=MG1&Body=x").unwrap();
        assert_eq!((service.account.as_str(), service.recipient.as_str()), ("MG1", "999123456789"));
    }

    #[test]
    fn refuses_what_twilio_refuses() {
        let long = format!("To=%2B999123456789&From=%2B999000000001&Body={}", "x".repeat(1601));
        for (form, code) in [
            ("", 21_211),
            ("To=Ann&From=%2B999000000001&Body=x", 21_211),
            ("To=%2B999123456789&Body=x", 21_211),
            ("To=%2B999123456789&From=%2B999000000001", 21_211),
            (long.as_str(), 21_617),
        ] {
            assert_eq!(read(form.as_bytes()).unwrap_err().0, code, "{form}");
        }
    }
}
