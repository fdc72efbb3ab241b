//! The emulator's own routes: what an operator sets and sees (`settings`), and the providers' APIs as they stand in the world.

mod graph;
mod media;
mod settings;
mod twilio;

use std::time::Duration;

use ::http::{Method, StatusCode};
use sdk::{Outcome, Problem, Request, Router, response, sql::Driver};
use serde_json::Value;

use super::failed;
use crate::{
    app::{App, World},
    emulator::{
        Knobs, Sent,
        codes::Code,
        fate::{self, Fate},
    },
    store::emulated,
};

/// The providers' paths begin at the root, because `whatsapp_api_base_url` and `twilio_api_base_url` are a scheme and a host.
/// Those who send name no tenant.
pub fn routes<D: Driver + 'static, W: World>(router: Router<App<D, W>>) -> Router<App<D, W>> {
    router
        .get("/simulate/emulator", settings::get)
        .put("/simulate/emulator", settings::set)
        .get("/simulate/emulator/messages", settings::messages)
        .tenantless(Method::POST, "/2010-04-01/Accounts/:sid/Messages.json", twilio::send)
        .tenantless(Method::GET, "/2010-04-01/Accounts/:sid/Messages.json", twilio::list)
        .tenantless(Method::GET, "/2010-04-01/Accounts/:sid/Messages/:message/Media/:media", media::twilio)
        .tenantless(Method::GET, "/media-files/:media", media::file)
        .tenantless(Method::POST, "/:version/:account/messages", graph::send)
        .tenantless(Method::POST, "/:version/:account/media", media::upload)
        .tenantless(Method::GET, "/:version/:media", media::place)
}

/// The knobs and the number of this call.
async fn next_call<D: Driver, W: World>(app: &App<D, W>, request: &Request) -> Result<(Knobs, u64), Problem> {
    if !app.is_on().await {
        return Err(crate::app::switched_off());
    }
    emulated::call(&app.database).await.map_err(failed(&request.context))
}

/// What the provider answers, as status and body.
type Told = (u16, Value);

/// A message that is fit to be sent meets its fate.
async fn meet<D: Driver, W: World>(
    app: &App<D, W>,
    request: &Request,
    id: String,
    sent: Sent,
    table: &'static [Code],
    tell: impl Fn(Result<&Sent, &Code>) -> Told,
) -> Outcome {
    let (knobs, number) = next_call(app, request).await?;
    let failed = failed(&request.context);
    if knobs.calls_per_second > 0 {
        let since = app.clock.now().saturating_sub(1_000_000);
        let rate = emulated::rate(&app.database, sent.channel, &sent.account, since).await.map_err(&failed)?;
        let limit = table.iter().find(|code| matches!(code.code, 130_429 | 20429));
        if let (true, Some(limit)) = (rate >= knobs.calls_per_second, limit) {
            let mut answer = told(tell(Err(limit)))?;
            answer.headers_mut().insert(::http::header::RETRY_AFTER, ::http::HeaderValue::from_static("1"));
            return Ok(answer);
        }
    }
    let fate = fate::of(&knobs, number, table);
    if let Fate::Refused(code) = fate {
        return told(tell(Err(code)));
    }
    let taken = told(tell(Ok(&sent)))?;
    app.take(id, sent, &knobs, number).await.map_err(failed)?;
    match fate {
        Fate::Hangs => app.world.sleep(Duration::from_millis(knobs.hang_ms)).await,
        Fate::Garbled => return Ok(response::bytes(StatusCode::OK, "text/html", b"<html>502</html>".to_vec())),
        Fate::Taken | Fate::Refused(_) => {}
    }
    Ok(taken)
}

fn told((status, body): Told) -> Outcome {
    response::json(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), &body)
}
