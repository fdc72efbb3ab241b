//! The providers' files: uploads to Meta, where a file is, and its bytes; from Twilio the bytes at once.

use std::time::Duration;

use ::http::{HeaderValue, StatusCode, header};
use sdk::{Outcome, Problem, Request, Response, response, sql::Driver};
use serde_json::json;

use super::{graph::is_authorized, next_call, told, twilio};
use crate::{
    app::{App, World},
    content::Asset,
    emulator::{
        Knobs, graph,
        media::{self, Trouble},
        twilio as words,
    },
    http::failed,
    store::uploads,
};

const FILES: &str = "http://chat-simulator.spin.internal/media-files";

/// `POST /{version}/{phone_number_id}/media`: answers an id that messages may name, and that leads back to the file.
pub async fn upload<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    if !is_authorized(&request) {
        return told(graph::refused(190, "An access token is required."));
    }
    let (knobs, number) = next_call(app, &request).await?;
    if media::trouble(&knobs, number).fails {
        return told(graph::refused(131_016, "Service overloaded"));
    }
    let content_type = request.header("content-type").unwrap_or_default();
    let file = match media::read(content_type, request.body.clone()).await {
        Ok(file) => file,
        Err(details) => return told(graph::refused(100, &details)),
    };
    let (id, account) = (file.id(), request.param("account"));
    let kept = uploads::insert(&app.database, &id, account, &file, app.clock.now()).await;
    kept.map_err(failed(&request.context))?;
    response::ok(&json!({ "id": id }))
}

/// What there is of a file.
struct Described {
    mime_type: String,
    sha256: String,
    size: u64,
}

async fn describe<D: Driver, W: World>(app: &App<D, W>, request: &Request) -> Result<Option<Described>, Problem> {
    let id = request.param("media");
    if let Some(asset) = Asset::of_media_id(id) {
        let (mime_type, sha256) = (asset.mime_type().to_owned(), hex::encode(asset.sha256()));
        let size = u64::try_from(asset.bytes().len()).unwrap_or(u64::MAX);
        return Ok(Some(Described { mime_type, sha256, size }));
    }
    let found = uploads::get(&app.database, id).await.map_err(failed(&request.context))?;
    Ok(found.map(|upload| Described { mime_type: upload.mime_type, sha256: upload.sha256, size: upload.size }))
}

/// `GET /{version}/{media_id}`: where the bytes are, for five minutes.
pub async fn place<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    if !is_authorized(&request) {
        return told(graph::refused(190, "An access token is required."));
    }
    let (knobs, number) = next_call(app, &request).await?;
    let trouble = media::trouble(&knobs, number);
    if trouble.fails {
        return told(graph::refused(131_016, "Service overloaded"));
    }
    let Some(file) = describe(app, &request).await? else {
        return told(graph::refused(100, "Unsupported get request."));
    };
    let (id, until) = (request.param("media"), media::expiry(app.clock.now(), trouble.is_expired));
    let sha256 = if trouble.has_wrong_hash { "0".repeat(64) } else { file.sha256 };
    response::ok(&json!({
        "messaging_product": "whatsapp",
        "url": format!("{FILES}/{id}?ext={until}"),
        "mime_type": file.mime_type,
        "sha256": sha256,
        "file_size": file.size,
        "id": id,
    }))
}

/// The bytes; Meta asks for the token here, too. 404: the address is too old, and a new one is to be asked for.
pub async fn file<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    if !is_authorized(&request) {
        return told(graph::refused(190, "An access token is required."));
    }
    let call = next_call(app, &request).await?;
    let query = request.query()?;
    let file = describe(app, &request).await?.filter(|_| media::is_good(query.get("ext"), app.clock.now()));
    match file {
        Some(file) => send(app, &request, &file.mime_type, call).await,
        None => Err(Problem::not_found("file")),
    }
}

/// `GET /2010-04-01/Accounts/{sid}/Messages/{message}/Media/{media}`, at Twilio.
pub async fn twilio<D: Driver, W: World>(app: &App<D, W>, request: Request) -> Outcome {
    if !twilio::is_authorized(&request) {
        return told(words::refused(20003, "Authenticate"));
    }
    let call = next_call(app, &request).await?;
    match describe(app, &request).await? {
        Some(file) => send(app, &request, &file.mime_type, call).await,
        None => Err(Problem::not_found("media")),
    }
}

/// The bytes, with whatever is wrong with this call.
async fn send<D: Driver, W: World>(
    app: &App<D, W>,
    request: &Request,
    mime_type: &str,
    (knobs, number): (Knobs, u64),
) -> Outcome {
    let trouble = media::trouble(&knobs, number);
    if trouble.fails {
        return Err(Problem::unavailable("the file cannot be had now"));
    }
    if trouble.is_slow {
        app.world.sleep(Duration::from_millis(knobs.media_slow_ms)).await;
    }
    let id = request.param("media");
    let bytes = match Asset::of_media_id(id) {
        Some(asset) => asset.bytes().to_vec(),
        None => uploads::bytes(&app.database, id).await.map_err(failed(&request.context))?,
    };
    Ok(answer(mime_type, bytes, trouble))
}

fn answer(mime_type: &str, mut bytes: Vec<u8>, trouble: Trouble) -> Response {
    if trouble.is_truncated {
        bytes.truncate(bytes.len() / 2);
    }
    let mut answer = response::bytes(StatusCode::OK, "application/octet-stream", bytes);
    let mime_type = HeaderValue::from_str(mime_type).ok();
    answer.headers_mut().extend(mime_type.map(|mime_type| (header::CONTENT_TYPE, mime_type)));
    answer
}
