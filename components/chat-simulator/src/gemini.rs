//! The language model: a persona's next words by Gemini's `generateContent`, or the reason why the engine's are used.

mod request;
mod response;

use std::time::Duration;

use ::http::{HeaderName, Method, header};
use sdk::{
    Context, Micros, log,
    outgoing::{self, Failure, Outgoing},
    sql::Driver,
};

use crate::{
    app::{App, World},
    content::Content,
    persona::{Persona, Source},
    scenario::Scenario,
};
use response::Refusal;

/// The key's only place: not in an address, which proxies and logs keep.
const KEY: HeaderName = HeaderName::from_static("x-goog-api-key");
const MODEL: &str = "gemini-2.5-flash";
const BASE: &str = "https://generativelanguage.googleapis.com";
const PATIENCE_MS: u64 = 8000;
/// How long a model whose quota is used up is left alone, when it does not say.
const REST: Duration = Duration::from_secs(60);

/// The content in the model's words where there is a model, else as it is; who worded it, and why it was not the model.
pub async fn word<D: Driver, W: World>(
    app: &App<D, W>,
    persona: &Persona,
    scenario: &Scenario,
    content: Content,
) -> (Content, Source, Option<String>) {
    if content.text().is_none() {
        return (content, Source::Engine, Some("nothing in it is worded".to_owned()));
    }
    match generate(app, persona, scenario, &content).await {
        Ok(words) => (content.saying(words), Source::Gemini, None),
        Err(reason) => (content, Source::Engine, Some(reason)),
    }
}

async fn generate<D: Driver, W: World>(
    app: &App<D, W>,
    persona: &Persona,
    scenario: &Scenario,
    content: &Content,
) -> Result<String, String> {
    let Some(key) = app.world.setting("gemini_api_key").await else {
        return Err("no key: the variable gemini_api_key is empty".to_owned());
    };
    let now = app.clock.now();
    if now < app.model_rests_until.get() {
        return Err("the quota was used up a moment ago".to_owned());
    }
    let model = app.world.setting("gemini_model").await.unwrap_or_else(|| MODEL.to_owned());
    let request = request(app, &key, &model, &request::body(&model, persona, scenario, content)).await?;
    let patience = app.world.setting("gemini_timeout_ms").await.and_then(|ms| ms.parse().ok()).unwrap_or(PATIENCE_MS);
    let sent = app.world.send(request, Duration::from_millis(patience)).await;
    let refusal = match sent {
        Ok(answer) => match response::words(answer.status(), answer.body()) {
            Ok(words) => return Ok(words),
            Err(refusal) => refusal.or_later(outgoing::retry_after(answer.headers())),
        },
        Err(Failure::TimedOut) => Refusal::other("no answer in time"),
        Err(failure) => Refusal::other(&failure.to_string()),
    };
    if let Refusal::Quota(wait) = &refusal {
        let wait = Micros::try_from(wait.unwrap_or(REST).as_micros()).unwrap_or(Micros::MAX);
        app.model_rests_until.set(now.saturating_add(wait));
    }
    let reason = refusal.reason();
    let context = Context { tenant: persona.tenant.clone(), ..Context::default() };
    log::warn(&context, "the engine speaks in place of the language model", &[("reason", &reason)]);
    Err(reason)
}

async fn request<D: Driver, W: World>(
    app: &App<D, W>,
    key: &str,
    model: &str,
    body: &serde_json::Value,
) -> Result<Outgoing, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !model.bytes().all(plain) {
        return Err("the variable gemini_model is no model's name".to_owned());
    }
    let base = app.world.setting("gemini_api_base_url").await.unwrap_or_else(|| BASE.to_owned());
    let url = format!("{}/v1beta/models/{model}:generateContent", base.trim_end_matches('/'));
    let mut request = Outgoing::new(Method::POST, &url, body.to_string().into_bytes());
    request.header(header::CONTENT_TYPE, "application/json");
    request.header(KEY, key);
    Ok(request)
}
