//! Meta's Graph API, as far as a business that sends WhatsApp messages needs it.

use sdk::{Outcome, Request, ids, response, sql::Driver};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{bytes, meet, next_call, told};
use crate::{
    app::{App, World},
    content::Asset,
    emulator::{
        codes::META,
        graph::{self, Call},
    },
    http::failed,
    store::emulated,
};

const FILES: &str = "http://chat-simulator.spin.internal/media-files";

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

/// `POST /{version}/{phone_number_id}/media`: answers an id that messages may name. The bytes are looked at and not kept.
pub async fn upload<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    if !is_authorized(&request) {
        return told(graph::refused(190, "An access token is required."));
    }
    let content_type = request.header("content-type").unwrap_or_default();
    if !content_type.starts_with("multipart/form-data") || request.body.is_empty() {
        return told(graph::refused(100, "The parameter file is required."));
    }
    next_call(app, &request).await?;
    let number =
        Sha256::digest(&request.body).iter().take(7).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let (id, size) =
        (format!("9991{:012}", number % 1_000_000_000_000), u64::try_from(request.body.len()).unwrap_or(0));
    let account = request.param("account");
    emulated::upload(&app.database, &id, account, size, app.clock.now()).await.map_err(failed(&request.context))?;
    response::ok(&json!({ "id": id }))
}

/// `GET /{version}/{media_id}`: where the bytes are.
pub async fn media<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    if !is_authorized(&request) {
        return told(graph::refused(190, "An access token is required."));
    }
    next_call(app, &request).await?;
    let id = request.param("media");
    let Some(asset) = Asset::of_media_id(id) else {
        let is_known = emulated::is_uploaded(&app.database, id).await.map_err(failed(&request.context))?;
        let details = if is_known { "The bytes of uploads are not kept." } else { "Unsupported get request." };
        return told(graph::refused(100, details));
    };
    response::ok(&json!({
        "messaging_product": "whatsapp",
        "url": format!("{FILES}/{id}"),
        "mime_type": asset.mime_type(),
        "sha256": hex::encode(asset.sha256()),
        "file_size": asset.bytes().len(),
        "id": id,
    }))
}

/// The bytes; Meta asks for the token here, too.
pub async fn file<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    if !is_authorized(&request) {
        return told(graph::refused(190, "An access token is required."));
    }
    next_call(app, &request).await?;
    match Asset::of_media_id(request.param("media")) {
        Some(asset) => bytes(asset),
        None => told(graph::refused(100, "Unsupported get request.")),
    }
}

/// Which token it is does not matter here: there is nothing to protect.
fn is_authorized(request: &Request) -> bool {
    request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .is_some_and(|token| !token.is_empty())
}
