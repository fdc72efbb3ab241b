//! Every channel without an adapter of its own: the message goes to the deployment's webhook, signed as Standard Webhooks has it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use http::HeaderName;
use sdk::clock::rfc3339;
use serde_json::{Value, json};
use sha2::Sha256;

use super::class::{failure, verdict};
use super::fields::post;
use super::{Answer, Failure, Outgoing, Plan, Provider, Settings, Verdict};

pub struct SignedWebhook;

impl Provider for SignedWebhook {
    fn settings(&self) -> &'static [&'static str] {
        &["webhook_channel_base_url", "webhook_channel_path", "webhook_channel_secret"]
    }

    /// Any that there is: who bridges the channel knows which they are.
    fn identities(&self, _: &str) -> &'static [&'static str] {
        &["*"]
    }

    /// `webhook-id` is the message's id: a receiver knows a repetition by it.
    fn is_idempotent(&self) -> bool {
        true
    }

    fn plan(&self, outgoing: &Outgoing, settings: &Settings) -> Result<Plan, Failure> {
        let path = settings.need("webhook_channel_path").trim_start_matches('/');
        let url = format!("{}/{path}", settings.base("webhook_channel_base_url"));
        let body = body(outgoing)?.to_string();
        let timestamp = (outgoing.now / 1_000_000).to_string();
        let secret = settings.need("webhook_channel_secret");
        let headers = [
            ("webhook-id", outgoing.message_id.clone()),
            ("webhook-timestamp", timestamp.clone()),
            ("webhook-signature", sign(secret, &outgoing.message_id, &timestamp, &body)?),
        ]
        .map(|(name, value)| (HeaderName::from_static(name), value));
        Ok(Plan::Call(post(&url, "application/json", &headers, body.into_bytes())?))
    }

    /// Its answer may name the message; else our id is its id. 410: the receiver wants no more.
    fn verdict(&self, answer: &Answer, attempt: u32) -> Verdict {
        let told = answer.json();
        if answer.is_success() {
            return Verdict::Sent(told.get("id").and_then(Value::as_str).unwrap_or_default().to_owned());
        }
        let failure = failure(None, told.get("message").and_then(Value::as_str), answer);
        match answer.status {
            410 => Verdict::Stop(failure),
            // Whatever became of it: the receiver knows a repetition.
            500..=599 => Verdict::Retry(failure, answer.retry_after_seconds),
            _ => verdict(&[], None, failure, answer, attempt),
        }
    }
}

fn body(outgoing: &Outgoing) -> Result<Value, Failure> {
    let to = outgoing.recipient()?;
    Ok(json!({
        "type": "message.send",
        "timestamp": rfc3339(outgoing.now),
        "data": {
            "message_id": outgoing.message_id,
            "conversation_id": outgoing.conversation_id,
            "channel": outgoing.channel,
            "channel_account_id": outgoing.account,
            "to": { "kind": to.kind, "value": to.value, "name": to.name },
            "content_type": outgoing.kind,
            "body": outgoing.body,
            "metadata": outgoing.metadata,
        },
    }))
}

/// `v1,` and the base64 HMAC-SHA256 of `<id>.<timestamp>.<body>`. A secret is `whsec_` and base64; any other text is taken as it is.
fn sign(secret: &str, id: &str, timestamp: &str, body: &str) -> Result<String, Failure> {
    let decoded = secret.strip_prefix("whsec_").map(|encoded| BASE64_STANDARD.decode(encoded));
    let malformed = || Failure::new("not_configured", "`webhook_channel_secret` is not `whsec_` and base64");
    let key = decoded.unwrap_or_else(|| Ok(secret.as_bytes().to_vec())).map_err(|_| malformed())?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| malformed())?;
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    Ok(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_as_the_published_vectors() {
        for (secret, id, timestamp, body, signature) in [
            (
                "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                "1649367553",
                r#"{"email":"test@example.com","username":"test_user"}"#,
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
            (
                "whsec_plJ3nmyCDGBKInavdOK15jsl",
                "msg_loFOjxBNrRLzqYUf",
                "1731705121",
                r#"{"event_type":"ping","data":{"success":true}}"#,
                "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
            ),
        ] {
            assert_eq!(sign(secret, id, timestamp, body).as_deref(), Ok(signature));
        }
        assert!(sign("whsec_!", "id", "1", "{}").is_err());
    }
}
