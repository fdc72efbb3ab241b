//! `POST /simulate/batch`: many conversations at once, each some turns long.

use sdk::{Input, Micros, Outcome, Problem, Request, response, sql::Driver};
use serde_json::{Value, json};

use super::{
    once::once,
    simulate::{bounded, say, traits},
};
use crate::{
    app::{App, World},
    lanes::side_by_side,
    persona::{Persona, Source, Traits},
    scenario::{self, Scenario},
    webhook::Verdict,
};

/// The gateway waits for 15 s: what has not begun by then is not said. A language model may take its whole time for the last message.
const IN_TIME: Micros = 10_000_000;
const IN_TIME_WITH_MODEL: Micros = 5_000_000;
/// Conversations that go on side by side.
const AT_ONCE: usize = 8;
/// What is done within the time that the gateway waits for an answer. For more there is `/simulate/run`.
const MAX_MESSAGES: u64 = 500;

struct Wish {
    scenarios: Vec<&'static Scenario>,
    conversations: u64,
    turns: u64,
    traits: Traits,
}

pub async fn batch<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    app.permit(&request.context).await?;
    let wish = request.decode(wish)?;
    once(app, &request, async || {
        let account = app.account(&request.context, wish.traits.channel.as_str()).await?;
        let has_model = app.world.setting("gemini_api_key").await.is_some();
        let until = app.clock.now().saturating_add(if has_model { IN_TIME_WITH_MODEL } else { IN_TIME });
        let talks = (0..wish.conversations).zip(wish.scenarios.iter().cycle());
        let talks = side_by_side(talks, AT_ONCE, async |(number, scenario)| {
            let traits = Traits { seed: wish.traits.seed.wrapping_add(number), ..wish.traits };
            talk(app, &request, Persona::new(&account, scenario, traits, app.clock.now()), scenario, wish.turns, until)
                .await
        })
        .await;
        let talks = talks.into_iter().collect::<Result<Vec<_>, _>>()?;
        response::ok(&report(&talks))
    })
    .await
}

fn wish(input: &mut Input) -> Wish {
    let named = input.texts("scenarios", 100).unwrap_or_default();
    let mut scenarios: Vec<_> = named.iter().filter_map(|name| scenario::find(name)).collect();
    if scenarios.len() < named.len() {
        input.refuse("scenarios", &format!("must be some of {}", scenario::names()));
    }
    if scenarios.is_empty() {
        scenarios = scenario::all().collect();
    }
    let conversations = bounded(input, "conversations", 1, 100, 10);
    let turns = bounded(input, "turns", 1, 10, 3);
    if conversations * turns > MAX_MESSAGES {
        input.refuse(
            "turns",
            &format!("conversations × turns must be at most {MAX_MESSAGES}; for more use /simulate/run"),
        );
    }
    Wish { scenarios, conversations, turns, traits: traits(input) }
}

/// One conversation of a batch, and how its messages fared.
struct Talk {
    persona: Persona,
    verdicts: Vec<Verdict>,
    /// Words of the language model's.
    by_model: u64,
    /// Turns that there was no time for.
    unsent: u64,
}

impl Talk {
    fn count(&self, verdict: Verdict) -> usize {
        self.verdicts.iter().filter(|one| **one == verdict).count()
    }
}

/// Silences are skipped: they cost nobody time here.
async fn talk<D: Driver, W: World>(
    app: &App<D, W>,
    request: &Request,
    persona: Persona,
    scenario: &'static Scenario,
    turns: u64,
    until: Micros,
) -> Result<Talk, Problem> {
    let mut talk = Talk { persona, verdicts: Vec::new(), by_model: 0, unsent: 0 };
    for turn in 0..turns {
        if app.clock.now() > until {
            talk.unsent = turns - turn;
            break;
        }
        let mut spoken = say(app, request, &mut talk.persona, scenario).await?;
        while spoken.content.is_none() && !spoken.is_over {
            spoken = say(app, request, &mut talk.persona, scenario).await?;
        }
        let Some(verdict) = spoken.verdict() else { break };
        talk.verdicts.push(verdict);
        talk.by_model += u64::from(spoken.source == Source::Gemini);
    }
    Ok(talk)
}

/// `success` only when every message came through.
fn report(talks: &[Talk]) -> Value {
    let sum = |verdict| talks.iter().map(|talk| talk.count(verdict)).sum::<usize>();
    let sent: usize = talks.iter().map(|talk| talk.verdicts.len()).sum();
    let (by_model, unsent) = talks.iter().fold((0, 0), |sums, talk| (sums.0 + talk.by_model, sums.1 + talk.unsent));
    let (success, pending, rejected, failed) =
        (sum(Verdict::Success), sum(Verdict::Pending), sum(Verdict::Rejected), sum(Verdict::Failed));
    let status = match (success == sent && unsent == 0, success + pending) {
        (true, _) => "success",
        (false, 0) => "failed",
        (false, _) => "partial",
    };
    let conversation = |talk: &Talk| {
        json!({
            "conversation": talk.persona.id,
            "scenario": talk.persona.scenario,
            "seed": talk.persona.seed,
            "customer": { "external_type": talk.persona.channel.as_str(), "external_id": talk.persona.phone, "name": talk.persona.name },
            "sent": talk.verdicts.len(),
            "success": talk.count(Verdict::Success),
        })
    };
    json!({
        "status": status,
        "sent": sent,
        "success": success,
        "pending": pending,
        "rejected": rejected,
        "failed": failed,
        "unsent": unsent,
        "worded_by_gemini": by_model,
        "conversations": talks.iter().map(conversation).collect::<Vec<_>>(),
    })
}
