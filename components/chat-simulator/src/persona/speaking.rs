//! How a persona speaks: what it says next, who put it into words, how it came to our front, and what the front said.

use std::time::Duration;

use futures::future::join_all;
use sdk::{
    Context, Micros, log,
    sql::{Driver, SqlError},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Channel, Persona, Who};
use crate::{
    app::{App, World},
    content::{Asset, Content},
    gemini,
    provider::{meta, twilio},
    scenario::{
        self, Scenario,
        engine::{self, Next},
    },
    store::personas,
    webhook::{Answer, Verdict, Webhook},
};

/// Personas that speak at once in one round.
const AT_ONCE: u32 = 16;
/// Longer than a language model and our front together may take.
const LEASE: Micros = 60_000_000;
/// When our front is down.
const RETRY: Micros = 10_000_000;
const MICROS_PER_SECOND: Micros = 1_000_000;

/// Where pictures and voice notes of personas on Twilio's channels are fetched from.
pub const MEDIA_BASE: &str = "http://chat-simulator.spin.internal/2010-04-01/Accounts";

/// Who put it into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    Gemini,
    Engine,
}

/// What came of making a persona speak.
#[derive(Debug)]
pub struct Spoken {
    /// `None`: it is silent now, or has said goodbye.
    pub content: Option<Content>,
    pub is_over: bool,
    /// How long a person would have typed, or stays silent.
    pub pause: Duration,
    pub source: Source,
    /// Why the language model did not say it.
    pub fallback: Option<String>,
    pub answer: Option<Answer>,
}

impl Spoken {
    pub fn verdict(&self) -> Option<Verdict> {
        self.answer.as_ref().map(Answer::verdict)
    }

    fn silent(pause: Duration, is_over: bool) -> Self {
        Self { content: None, is_over, pause, source: Source::Engine, fallback: None, answer: None }
    }
}

/// Makes it say what comes next, now. What did not reach our front is not said: the next attempt says the same, under the same id.
pub async fn speak<D: Driver, W: World>(app: &App<D, W>, persona: &mut Persona, scenario: &Scenario) -> Spoken {
    let heard = persona.heard();
    let (next, after) = engine::next(scenario, persona.seed, persona.progress, heard.as_deref());
    let (content, typing) = match next {
        Next::Says { content, typing } => (content, typing),
        Next::Waits(pause) => {
            persona.progress = after;
            return Spoken::silent(pause, false);
        }
        Next::Over => return Spoken::silent(Duration::ZERO, true),
    };
    let (content, source, fallback) = gemini::word(app, persona, scenario, content).await;
    let now = app.clock.now();
    let webhook = webhook(app, persona, &content, now).await;
    let answer = app.post(&webhook).await;
    if answer.is_taken() {
        persona.remember(Who::Customer, content.shown(), now);
        persona.progress = after;
    }
    persona.updated_at = now;
    Spoken { content: Some(content), is_over: false, pause: typing, source, fallback, answer: Some(answer) }
}

async fn webhook<D: Driver, W: World>(app: &App<D, W>, persona: &Persona, content: &Content, now: Micros) -> Webhook {
    let (id, number) = (persona.next_message_id(), persona.progress.throws);
    let account = app.signer(&persona.tenant, persona.channel.as_str(), &persona.account).await;
    match persona.channel {
        Channel::WhatsApp => {
            let message = meta::message(&id, &persona.phone, now / MICROS_PER_SECOND, content, number);
            let contents = json!({ "contacts": [meta::contact(&persona.phone, &persona.name)], "messages": [message] });
            Webhook::meta(&account, meta::body(vec![meta::value(&persona.account, contents)]))
        }
        Channel::Sms => {
            let media = content.asset().map(|asset| (media_url(asset, &id), asset.mime_type()));
            let media = media.as_ref().map(|(url, mime_type)| (url.as_str(), *mime_type));
            let form = twilio::message(&id, &persona.phone, &persona.account, content.text(), media);
            app.twilio(&account, &form, "").await
        }
    }
}

fn media_url(asset: Asset, message: &str) -> String {
    format!("{MEDIA_BASE}/{}/Messages/{message}/Media/{}", twilio::ACCOUNT_SID, asset.media_id(0))
}

/// The agent wrote this to it: it will answer when a person would have typed, if it answers by itself.
pub async fn hear<D: Driver, W: World>(app: &App<D, W>, persona: &mut Persona, text: &str) -> Result<(), SqlError> {
    // Another may change it meanwhile: then it is read and told again.
    for _ in 0..5 {
        let now = app.clock.now();
        persona.remember(Who::Agent, text.chars().take(4096).collect(), now);
        if persona.answers_left > 0
            && let Some(scenario) = scenario::find(&persona.scenario)
        {
            let heard = persona.heard();
            let (next, _) = engine::next(scenario, persona.seed, persona.progress, heard.as_deref());
            let typing = if let Next::Says { typing, .. } = next { typing } else { Duration::ZERO };
            persona.due_at = Some(now.saturating_add(paced(persona, typing)));
        }
        if personas::save(&app.database, persona).await? {
            app.is_due.set(true);
            return Ok(());
        }
        let Some(again) = personas::get(&app.database, &persona.tenant, &persona.id).await? else { return Ok(()) };
        *persona = again;
    }
    Err(SqlError::Unavailable("the persona changes all the time".to_owned()))
}

/// Every persona that is due speaks, once.
pub async fn round<D: Driver, W: World>(app: &App<D, W>) -> Result<(), SqlError> {
    loop {
        let now = app.clock.now();
        let due = personas::claim_due(&app.database, now, now.saturating_add(LEASE), AT_ONCE).await?;
        if due.is_empty() {
            return Ok(());
        }
        for done in join_all(due.into_iter().map(|persona| by_itself(app, persona))).await {
            done?;
        }
    }
}

async fn by_itself<D: Driver, W: World>(app: &App<D, W>, mut persona: Persona) -> Result<(), SqlError> {
    let Some(scenario) = scenario::find(&persona.scenario) else { return stop(app, persona).await };
    let spoken = speak(app, &mut persona, scenario).await;
    let later = |wait: Micros| Some(app.clock.now().saturating_add(wait));
    match spoken.verdict() {
        None if spoken.is_over => return stop(app, persona).await,
        None => persona.due_at = later(paced(&persona, spoken.pause)),
        Some(Verdict::Success | Verdict::Pending) => {
            persona.answers_left = persona.answers_left.saturating_sub(1);
            persona.due_at = None;
        }
        Some(Verdict::Failed) => persona.due_at = later(RETRY),
        Some(Verdict::Rejected) => {
            let status = spoken.answer.and_then(|answer| answer.status).unwrap_or_default();
            log::warn(
                &context(&persona),
                "our front refused a persona",
                &[("persona", &persona.id), ("status", &status)],
            );
            return stop(app, persona).await;
        }
    }
    // False when the agent wrote meanwhile: its lease ends, and it speaks then, under the same id if it has not been heard.
    personas::save(&app.database, &mut persona).await.map(|_| ())
}

async fn stop<D: Driver, W: World>(app: &App<D, W>, mut persona: Persona) -> Result<(), SqlError> {
    (persona.answers_left, persona.due_at) = (0, None);
    personas::save(&app.database, &mut persona).await.map(|_| ())
}

fn context(persona: &Persona) -> Context {
    Context { tenant: persona.tenant.clone(), ..Context::default() }
}

fn paced(persona: &Persona, pause: Duration) -> Micros {
    let micros = Micros::try_from(pause.as_micros()).unwrap_or(Micros::MAX);
    micros.saturating_mul(persona.pace.into()) / 1000
}

impl Spoken {
    /// As `POST /simulate` tells it: the status is what the front's answer means.
    pub fn json(&self, persona: &Persona) -> Value {
        let status = match self.verdict() {
            Some(verdict) => json!(verdict),
            None if self.is_over => json!("over"),
            None => json!("silent"),
        };
        json!({
            "status": status,
            "generated_message": self.content.as_ref().map(Content::shown),
            "content": self.content.as_ref().map(Content::json),
            "pause_ms": u64::try_from(self.pause.as_millis()).unwrap_or(u64::MAX),
            "gateway_response": self.answer,
            "source": self.source,
            "fallback_reason": self.fallback,
            "conversation": persona.json(),
        })
    }
}
