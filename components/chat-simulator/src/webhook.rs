//! Our own front, called as a provider calls it: signed, by the public path, and nothing believed but the answer.

use std::time::Duration;

use ::http::{HeaderName, Method, header};
use sdk::{outgoing::Outgoing, sql::Driver};
use serde::Serialize;
use serde_json::Value;

use crate::{
    account::Account,
    app::{App, World},
    provider::{email, meta, telegram, twilio, web},
};

/// The component with the public webhooks; in process, but by the same path as from outside.
pub const FRONT: &str = "http://inbound-gateway.spin.internal";
/// Providers give up after about five seconds; twice that, so that a slow machine is not called a failure.
const PATIENCE: Duration = Duration::from_secs(10);

/// A webhook as it goes out.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// With its query.
    pub path: String,
    pub content_type: &'static str,
    /// What goes with the signature, like its time.
    pub headers: Vec<(&'static str, String)>,
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

impl Webhook {
    pub fn meta(account: &Account, body: Vec<u8>) -> Self {
        let signature = (meta::SIGNATURE, meta::signature(&account.secret, &body));
        Self::json(account, signature, body)
    }

    pub fn telegram(account: &Account, update: &Value) -> Self {
        Self::json(account, (telegram::SECRET, account.secret.clone()), update.to_string().into_bytes())
    }

    pub fn web(account: &Account, at_seconds: i64, body: &Value) -> Self {
        let body = body.to_string().into_bytes();
        let signature = (web::SIGNATURE, web::signature(&account.secret, at_seconds, &body));
        let headers = vec![(web::TIMESTAMP, at_seconds.to_string())];
        Self { headers, ..Self::json(account, signature, body) }
    }

    pub fn email(account: &Account, mail: &Value) -> Self {
        Self::json(account, ("authorization", email::password(&account.secret)), mail.to_string().into_bytes())
    }

    fn json(account: &Account, signature: (&'static str, String), body: Vec<u8>) -> Self {
        let (content_type, signature) = ("application/json", Some(signature));
        Self { path: account.path(), content_type, headers: Vec::new(), signature, body }
    }
}

impl<D: Driver, W: World> App<D, W> {
    /// `query` is what we wrote behind the address of a status callback.
    pub async fn twilio(&self, account: &Account, form: &twilio::Form, query: &str) -> Webhook {
        let base = self.world.setting("public_base_url").await.unwrap_or_else(|| FRONT.to_owned());
        let path = format!("{}{query}", account.path());
        let url = format!("{}{path}", base.trim_end_matches('/'));
        let signature = Some((twilio::SIGNATURE, twilio::signature(&account.secret, &url, form)));
        // Twilio itself takes anything, and gets TwiML.
        let headers = vec![("accept", "application/json".to_owned())];
        Webhook { path, content_type: twilio::FORM, headers, signature, body: twilio::encode(form) }
    }

    /// One attempt.
    pub async fn post(&self, webhook: &Webhook) -> Answer {
        let mut request = Outgoing::new(Method::POST, &format!("{FRONT}{}", webhook.path), webhook.body.clone());
        request.header(header::CONTENT_TYPE, webhook.content_type);
        for (name, value) in webhook.headers.iter().chain(&webhook.signature) {
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
