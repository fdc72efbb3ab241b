//! Twilio's API, as far as a business that sends messages needs it.

use sdk::{Micros, Outcome, Request, ids, sql::Driver};

use super::{failed, meet, told};
use crate::{
    app::{App, World, switched_off},
    emulator::{codes::TWILIO, twilio},
    store::emulated,
};

/// A day: Twilio's own list is longer.
const LISTED: Micros = 24 * 3600 * 1_000_000;

/// `POST /2010-04-01/Accounts/{sid}/Messages.json`
pub async fn send<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    if !is_authorized(&request) {
        return told(twilio::refused(20003, "Authenticate"));
    }
    match twilio::read(&request.body) {
        Err((code, details)) => told(twilio::refused(code, &details)),
        Ok(sent) => {
            let (account_sid, sid) = (request.param("sid"), format!("SM{}", ids::new().replace('-', "")));
            let shown = sid.clone();
            meet(app, &request, sid, sent, TWILIO, |told| match told {
                Ok(sent) => (201, twilio::accepted(account_sid, &shown, sent)),
                Err(code) => twilio::refused(code.code, code.words),
            })
            .await
        }
    }
}

/// `GET /2010-04-01/Accounts/{sid}/Messages.json`: the latest to somebody, as who does not know the end of a call asks for them.
pub async fn list<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    if !app.is_on().await {
        return Err(switched_off());
    }
    if !is_authorized(&request) {
        return told(twilio::refused(20003, "Authenticate"));
    }
    let wanted = match twilio::wanted(&request.query()?) {
        Err((code, details)) => return told(twilio::refused(code, &details)),
        Ok(wanted) => wanted,
    };
    // One more than is shown says that there is another page.
    let since = app.clock.now().saturating_sub(LISTED);
    let found = emulated::to(&app.database, &wanted.recipient, since, wanted.limit + 1).await;
    told((200, twilio::listed(request.param("sid"), &wanted, &found.map_err(failed(&request.context))?)))
}

pub(super) fn is_authorized(request: &Request) -> bool {
    request.header("authorization").is_some_and(|value| value.starts_with("Basic "))
}
