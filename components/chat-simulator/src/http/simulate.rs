//! `POST /simulate`: a persona says its next message, and the answer tells what our own front made of it.

use sdk::{Input, Outcome, Problem, Request, response, sql::Driver};

use super::{failed, once::once};
use crate::{
    app::{App, World},
    persona::{self, Channel, Persona, Spoken, Traits, Who},
    scenario::{self, Scenario},
    store::personas,
};

/// What a double, and so every client's JSON, holds exactly.
pub const MAX_SEED: i64 = 1 << 53;
const MAX_ANSWERS: i64 = 50;
/// As slow as people are, and ten times that.
const MAX_PACE: f64 = 10.0;
const MAX_MESSAGE: usize = 4096;

struct Wish {
    scenario: Option<String>,
    conversation: Option<String>,
    message: Option<String>,
    traits: Traits,
}

pub async fn simulate<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    app.permit(&request.context).await?;
    let wish = request.decode(wish)?;
    once(app, &request, async || {
        let (mut persona, scenario) = find_or_make(app, &request, &wish).await?;
        if let Some(message) = &wish.message {
            persona.remember(Who::Agent, message.clone(), app.clock.now());
        }
        let spoken = say(app, &request, &mut persona, scenario).await?;
        response::ok(&spoken.json(&persona))
    })
    .await
}

fn wish(input: &mut Input) -> Wish {
    let continues = input.has("conversation");
    let scenario =
        input.choice("scenario", |name| scenario::find(name).map(|found| found.name.clone()), &scenario::names());
    if scenario.is_none() && !continues && !input.has("scenario") {
        input.required_text("scenario", 64);
    }
    if continues {
        for name in
            ["seed", "channel", "answers", "pace"].into_iter().filter(|name| input.has(name)).collect::<Vec<_>>()
        {
            input.refuse(name, "belongs to a new conversation");
        }
    }
    Wish {
        scenario,
        conversation: input.id("conversation"),
        message: input.text("message", MAX_MESSAGE),
        traits: traits(input),
    }
}

/// The seed's default is 0: who asks twice hears the same words twice, and gives another seed for others.
pub fn traits(input: &mut Input) -> Traits {
    Traits {
        seed: bounded(input, "seed", 0, MAX_SEED, 0),
        channel: input.choice("channel", Channel::parse, "whatsapp, sms").unwrap_or(Channel::WhatsApp),
        answers: u32::try_from(bounded(input, "answers", 0, MAX_ANSWERS, 0)).unwrap_or(0),
        pace: pace(input),
    }
}

/// A whole number in these bounds.
pub fn bounded(input: &mut Input, name: &str, least: i64, most: i64, default: i64) -> u64 {
    let number = input.integer(name).unwrap_or(default);
    if !(least..=most).contains(&number) {
        input.refuse(name, &format!("must be {least} to {most}"));
    }
    u64::try_from(number).unwrap_or(0)
}

/// In thousandths.
fn pace(input: &mut Input) -> u32 {
    let pace = input.number("pace").unwrap_or(1.0);
    if !(0.0..=MAX_PACE).contains(&pace) {
        input.refuse("pace", "must be 0 to 10: 1 is as people are, 0 is at once");
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "its bounds were checked")]
    let thousandths = (pace * 1000.0) as u32;
    thousandths
}

async fn find_or_make<D: Driver, W: World>(
    app: &App<D, W>,
    request: &Request,
    wish: &Wish,
) -> Result<(Persona, &'static Scenario), Problem> {
    let tenant = &request.context.tenant;
    let missing = || Problem::not_found("conversation");
    let Some(id) = &wish.conversation else {
        let scenario = wish.scenario.as_deref().and_then(scenario::find).ok_or_else(missing)?;
        let account = app.account(&request.context, wish.traits.channel.as_str()).await?;
        return Ok((Persona::new(&account, scenario, wish.traits, app.clock.now()), scenario));
    };
    let found =
        personas::get(&app.database, tenant, id).await.map_err(failed(&request.context))?.ok_or_else(missing)?;
    let scenario = scenario::find(&found.scenario).ok_or_else(missing)?;
    match &wish.scenario {
        Some(wanted) if *wanted != found.scenario => {
            Err(Problem::invalid_field("/scenario", format!("this conversation's is {}", found.scenario)))
        }
        _ => Ok((found, scenario)),
    }
}

/// Speaks, and keeps what was said. A new persona is kept before it speaks, so that it can be answered at once.
pub async fn say<D: Driver, W: World>(
    app: &App<D, W>,
    request: &Request,
    persona: &mut Persona,
    scenario: &Scenario,
) -> Result<Spoken, Problem> {
    let failed = failed(&request.context);
    if persona.version == 0 {
        persona.version = 1;
        personas::insert(&app.database, persona).await.map_err(&failed)?;
    }
    let spoken = persona::speak(app, persona, scenario).await;
    persona.remain(&spoken);
    if !personas::save(&app.database, persona).await.map_err(&failed)? {
        return Err(Problem::conflict("the conversation went on meanwhile: ask again"));
    }
    Ok(spoken)
}
