//! Bytes on their way in: written as they arrive, looked at, and kept in one transaction; what is refused leaves nothing behind.

mod chunks;
mod form;
mod paced;

use http::Request;
use sdk::{
    Context, Error, Problem,
    idempotency::{Answer, Done, Key, Once},
    invalid, response,
    sql::Driver,
};
use spin_sdk::http::BoxBody;

use crate::{
    app::{App, Platform},
    domain::{Arrived, Media},
    filename,
    http::unsupported,
    picture, sniff,
    store::{
        media::{Target, keep},
        uploads::{self, Place},
    },
    view::View,
};

use chunks::{Chunks, Received};

/// `POST /media/upload`: a form with the file and what is said of it.
pub async fn form<D: Driver, P: Platform>(
    app: &App<D, P>,
    context: &Context,
    request: Request<BoxBody>,
) -> sdk::router::Outcome {
    context.require("media:write")?;
    let limit = app.limit_bytes().await;
    let form = form::Form::of(request, limit)?;
    let place = uploads::begin(&app.database, &context.tenant, app.now()).await.map_err(|e| told(context, e))?;
    let read = async {
        let (label, received) = form.read(Chunks::new(&app.database, &place, limit)).await?;
        let arrived = examined(app, &place, received, &label.filename).await?;
        Ok((Target::New(label), arrived))
    };
    let (target, arrived) = or_nothing(app, context, &place, read).await?;
    let answer = |media: &Media| Answer::of(&response::created(&View::from(media.clone())).unwrap_or_default());
    let once = key(context, &target, &arrived)?.map(|key| Once { key, answer: &answer });
    let kept = keep(&app.database, context, (&target, &arrived), once.as_ref(), app.now()).await;
    match kept.map_err(|e| told(context, e))? {
        Done::Now(media) => response::created(&View::from(media)),
        Done::Before(answer) => Ok(answer.replay()),
    }
}

/// `PUT /media/{id}/content`: the bytes of an attachment that was announced, as they are. Whoever fetched them says by
/// `kobliat-sha256` what they ought to be, if it knows.
pub async fn announced<D: Driver, P: Platform>(
    app: &App<D, P>,
    context: &Context,
    id: &str,
    request: Request<BoxBody>,
) -> sdk::router::Outcome {
    context.require("media:write")?;
    let expected = request.headers().get("kobliat-sha256").and_then(|hash| hash.to_str().ok()?.trim().parse().ok());
    let found = crate::store::media::get(&app.database, &context.tenant, id).await.map_err(|e| told(context, e))?;
    let media = found.ok_or_else(|| Problem::not_found("media"))?;
    if media.content.is_some() {
        return response::ok(&View::from(media));
    }
    let limit = app.limit_bytes().await;
    let place = uploads::begin(&app.database, &context.tenant, app.now()).await.map_err(|e| told(context, e))?;
    let read = async {
        let received = chunks::whole(Chunks::new(&app.database, &place, limit), request.into_body()).await?;
        let expected: Option<String> = expected;
        if expected.is_some_and(|expected| !expected.eq_ignore_ascii_case(&received.sha256)) {
            // It may have been damaged on its way: whoever fetches it tries again.
            return Err(Problem::conflict("the content is not what was announced: its SHA-256 differs").into());
        }
        examined(app, &place, received, &media.filename).await
    };
    let arrived = or_nothing(app, context, &place, read).await?;
    let target = Target::Announced { id: media.id, name: filename::of_type(&arrived.mime_type) };
    let kept = keep(&app.database, context, (&target, &arrived), None, app.now()).await;
    match kept.map_err(|e| told(context, e))? {
        Done::Now(media) => response::ok(&View::from(media)),
        Done::Before(answer) => Ok(answer.replay()),
    }
}

/// What fails takes along what has arrived.
async fn or_nothing<D: Driver, P: Platform, T>(
    app: &App<D, P>,
    context: &Context,
    place: &Place,
    work: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Problem> {
    let refused = match work.await {
        Ok(done) => return Ok(done),
        Err(refused) => refused,
    };
    if let Err(error) = uploads::give_up(&app.database, place).await {
        sdk::log::warn(context, "an unfinished upload waits for the sweep", &[("error", &format!("{error:?}"))]);
    }
    Err(match refused {
        Refusal::Told(problem) => problem,
        Refusal::Error(error) => told(context, error),
    })
}

/// Why an upload is not kept.
pub(crate) enum Refusal {
    Told(Problem),
    Error(Error),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Told(problem)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

fn refusal(error: Error) -> Refusal {
    Refusal::Error(error)
}

pub(crate) fn told(context: &Context, error: Error) -> Problem {
    error.problem(context, "media")
}

/// What the bytes are. A picture is unpacked: what cannot be is no picture.
async fn examined<D: Driver, P: Platform>(
    app: &App<D, P>,
    place: &Place,
    received: Received,
    filename: &str,
) -> Result<Arrived, Refusal> {
    let Received { head, sha256, size } = received;
    if size == 0 {
        return Err(refusal(invalid("file", "is empty")));
    }
    let mime_type = sniff::mime_type(&head, filename);
    if !sniff::is_taken(mime_type) && !app.extra_types().await.iter().any(|extra| extra == mime_type) {
        return Err(unsupported(format!("files of the type {mime_type} are not taken")).into());
    }
    let picture = match picture::format(mime_type) {
        Some(format) => Some(unpacked(app, place, format, size).await?),
        None => None,
    };
    let dimensions = picture.as_ref().map(|picture| (picture.width, picture.height));
    let thumbnail = picture.and_then(|picture| picture.thumbnail);
    Ok(Arrived { upload: place.id.clone(), sha256, size, mime_type: mime_type.to_owned(), dimensions, thumbnail })
}

/// One picture at a time: it is in memory, packed and unpacked.
async fn unpacked<D: Driver, P: Platform>(
    app: &App<D, P>,
    place: &Place,
    format: image::ImageFormat,
    size: u64,
) -> Result<picture::Picture, Refusal> {
    if size > picture::MAX_FILE_BYTES {
        let limit = usize::try_from(picture::MAX_FILE_BYTES).unwrap_or(usize::MAX);
        return Err(Problem::too_large(limit).into());
    }
    let _alone = app.darkroom.lock().await;
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    let mut number = 0;
    while let Some(chunk) = uploads::chunk(&app.database, place, number).await? {
        bytes.extend_from_slice(&chunk);
        number += 1;
    }
    picture::examine(format, &bytes).map_err(|refused| refusal(invalid("file", refused.0)))
}

/// A repetition is the same file with the same label.
fn key(context: &Context, target: &Target, arrived: &Arrived) -> Result<Option<Key>, Problem> {
    let request = sdk::Request {
        method: http::Method::POST,
        path: "/media/upload".to_owned(),
        body: format!("{target:?} {}", arrived.sha256).into_bytes(),
        context: context.clone(),
        ..sdk::Request::default()
    };
    Key::of(&request)
}
