//! Twilio's API, as far as a business that sends messages needs it.

use sdk::{Outcome, Request, ids, sql::Driver};

use super::{meet, told};
use crate::{
    app::{App, World},
    emulator::{codes::TWILIO, twilio},
};

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

pub(super) fn is_authorized(request: &Request) -> bool {
    request.header("authorization").is_some_and(|value| value.starts_with("Basic "))
}
