//! Our own front, called as a provider calls it: signed, by the public path, and nothing believed but the answer.

use std::time::Duration;

use ::http::{HeaderName, Method, header};
use sdk::{outgoing::Outgoing, sql::Driver};
use serde::Serialize;
use serde_json::Value;

use crate::{
    app::{App, World},
    provider::{meta, twilio},
};

/// The component with the public webhooks; in process, but by the same path as from outside.
const FRONT: &str = "http://inbound-gateway.spin.internal";
/// Providers give up after about five seconds; twice that, so that a slow machine is not called a failure.
const PATIENCE: Duration = Duration::from_secs(10);

/// A webhook as it goes out.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub channel: &'static str,
    /// Behind the path, with its `?`.
    pub query: String,
    pub content_type: &'static str,
    pub signature: Option<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// What the front said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// `None`: there was no answer, and `error` says why.
    pub status: Option<u16>,
    pub body: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What became of a message, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is a message of a conversation now.
    Success,
    /// It is stored, and the platform goes on with it by itself.
    Pending,
    /// Understood, and not wanted: a bad signature, an unusable item.
    Rejected,
    /// Nobody has it: an error of ours, or no answer.
    Failed,
}

impl Answer {
    pub fn verdict(&self) -> Verdict {
        let count = |name: &str| self.body.get(name).and_then(Value::as_u64).unwrap_or(0);
        match self.status {
            Some(200..300) if self.body.get("processed") == Some(&Value::Bool(false)) => Verdict::Pending,
            Some(200..300) if count("accepted") + count("duplicates") > 0 => Verdict::Success,
            Some(200..300 | 400..500) => Verdict::Rejected,
            _ => Verdict::Failed,
        }
    }

    /// A provider comes again after anything but a success.
    pub fn is_taken(&self) -> bool {
        matches!(self.status, Some(200..300))
    }
}

impl<D: Driver, W: World> App<D, W> {
    pub async fn meta(&self, body: Vec<u8>) -> Webhook {
        let secret = self.world.setting("whatsapp_app_secret").await.unwrap_or_default();
        let signature = Some((meta::SIGNATURE, meta::signature(&secret, &body)));
        Webhook { channel: meta::CHANNEL, query: String::new(), content_type: "application/json", signature, body }
    }

    /// `query` is what we wrote behind the address of a status callback.
    pub async fn twilio(&self, form: &twilio::Form, query: &str) -> Webhook {
        let token = self.world.setting("twilio_auth_token").await.unwrap_or_default();
        let base = self.world.setting("public_base_url").await.unwrap_or_else(|| FRONT.to_owned());
        let url = format!("{}/webhooks/{}{query}", base.trim_end_matches('/'), twilio::CHANNEL);
        let signature = Some((twilio::SIGNATURE, twilio::signature(&token, &url, form)));
        let body = twilio::encode(form);
        Webhook { channel: twilio::CHANNEL, query: query.to_owned(), content_type: twilio::FORM, signature, body }
    }

    /// One attempt.
    pub async fn post(&self, webhook: &Webhook) -> Answer {
        let url = format!("{FRONT}/webhooks/{}{}", webhook.channel, webhook.query);
        let mut request = Outgoing::new(Method::POST, &url, webhook.body.clone());
        request.header(header::CONTENT_TYPE, webhook.content_type);
        if let Some((name, value)) = &webhook.signature {
            request.header(HeaderName::from_static(name), value);
        }
        self.ask(request).await
    }

    pub async fn ask(&self, request: Outgoing) -> Answer {
        match self.world.send(request, PATIENCE).await {
            Ok(response) => {
                let body = serde_json::from_slice(response.body());
                let text = || Value::String(String::from_utf8_lossy(response.body()).chars().take(500).collect());
                Answer { status: Some(response.status().as_u16()), body: body.unwrap_or_else(|_| text()), error: None }
            }
            Err(failure) => Answer { status: None, body: Value::Null, error: Some(failure.to_string()) },
        }
    }
}
