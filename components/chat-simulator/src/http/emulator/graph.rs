//! Meta's Graph API, as far as a business that sends WhatsApp messages needs it.

use sdk::{Outcome, Request, ids, response, sql::Driver};
use serde_json::json;

use super::{meet, next_call, told};
use crate::{
    app::{App, World},
    emulator::{
        codes::META,
        graph::{self, Call},
    },
};

/// `POST /{version}/{phone_number_id}/messages`
pub async fn send<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    if !is_authorized(&request) {
        return told(graph::refused(190, "An access token is required."));
    }
    match graph::read(request.param("account"), &request.body) {
        Err((code, details)) => told(graph::refused(code, &details)),
        Ok(Call::MarkRead) => {
            next_call(app, &request).await?;
            response::ok(&json!({ "success": true }))
        }
        Ok(Call::Send(sent)) => {
            let id = format!("wamid.EMU.{}", ids::new());
            let shown = id.clone();
            meet(app, &request, id, *sent, META, |told| match told {
                Ok(sent) => (200, graph::accepted(&shown, &sent.recipient)),
                Err(code) => graph::refused(code.code, code.words),
            })
            .await
        }
    }
}

/// Which token it is does not matter here: there is nothing to protect.
pub(super) fn is_authorized(request: &Request) -> bool {
    request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .is_some_and(|token| !token.is_empty())
}
