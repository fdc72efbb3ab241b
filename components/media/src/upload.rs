//! Bytes on their way in: written as they arrive, looked at, and kept in one transaction; what is refused leaves nothing behind.

mod containers;
mod form;
mod intake;
mod paced;

use futures::StreamExt;
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
    domain::{Arrived, Kept, Media, THUMBNAIL},
    filename,
    http::unsupported,
    picture,
    picture::Thumbnail,
    quota,
    range::Part,
    sniff,
    storage::{Kind, Storage, clear},
    store::{
        media::{Target, keep},
        uploads::{self, Place},
    },
    view::View,
};

use intake::{Intake, Received};

/// `POST /media/upload`: a form with the file and what is said of it.
pub async fn form<D: Driver, P: Platform>(
    app: &App<D, P>,
    context: &Context,
    request: Request<BoxBody>,
) -> sdk::router::Outcome {
    context.require("media:write")?;
    let limit = app.limit_bytes().await;
    let form = form::Form::of(request, limit)?;
    quota::check(app, context, 1).await?;
    let (storage, place) = begin(app, context).await.map_err(|e| told(context, e))?;
    let read = async {
        let (label, received) = form.read(Intake::new(storage.write(place.clone()), limit)).await?;
        quota::check(app, context, received.size).await?;
        let arrived = examined(app, &*storage, &place, received, &label.filename).await?;
        Ok((Target::New(label), arrived))
    };
    let (target, arrived) = or_nothing(app, context, (&place, storage.kind()), read).await?;
    let answer = |media: &Media| Answer::of(&response::created(&View::from(media.clone())).unwrap_or_default());
    let once = key(context, &target, &arrived)?.map(|key| Once { key, answer: &answer });
    match kept(app, context, (&target, &arrived), once.as_ref()).await? {
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
    let (storage, place) = begin(app, context).await.map_err(|e| told(context, e))?;
    let read = async {
        let received = intake::whole(Intake::new(storage.write(place.clone()), limit), request.into_body()).await?;
        let expected: Option<String> = expected;
        if expected.is_some_and(|expected| !expected.eq_ignore_ascii_case(&received.sha256)) {
            // It may have been damaged on its way: whoever fetches it tries again.
            return Err(Problem::conflict("the content is not what was announced: its SHA-256 differs").into());
        }
        quota::check(app, context, received.size).await?;
        examined(app, &*storage, &place, received, &media.filename).await
    };
    let arrived = or_nothing(app, context, (&place, storage.kind()), read).await?;
    let target = Target::Announced { id: media.id, name: filename::of_type(&arrived.mime_type) };
    match kept(app, context, (&target, &arrived), None).await? {
        Done::Now(media) => response::ok(&View::from(media)),
        Done::Before(answer) => Ok(answer.replay()),
    }
}

/// A place for what arrives.
async fn begin<'a, D: Driver, P: Platform>(
    app: &'a App<D, P>,
    context: &Context,
) -> Result<(Box<dyn Storage<'a> + 'a>, Place), Error> {
    let storage = app.storage().await?;
    let place = uploads::begin(&app.database, &context.tenant, storage.kind(), app.now()).await?;
    Ok((storage, place))
}

/// The attachment that shows what has arrived. Bytes that were there already are not kept twice.
async fn kept<D: Driver, P: Platform>(
    app: &App<D, P>,
    context: &Context,
    work: (&Target, &Arrived),
    once: Option<&Once<'_, Media>>,
) -> Result<Done<Media>, Problem> {
    let kept = keep(&app.database, context, work, once, app.now()).await;
    let is_its_own = |media: &Media| media.content.as_ref().is_some_and(|content| content.id == work.1.upload);
    if work.1.storage == Kind::S3 && !matches!(&kept, Ok(Done::Now(media)) if is_its_own(media)) {
        clear(app, context).await;
    }
    kept.map_err(|e| told(context, e))
}

/// What fails takes along what has arrived.
async fn or_nothing<D: Driver, P: Platform, T>(
    app: &App<D, P>,
    context: &Context,
    (place, kind): (&Place, Kind),
    work: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Problem> {
    let refused = match work.await {
        Ok(done) => return Ok(done),
        Err(refused) => refused,
    };
    if let Err(error) = uploads::give_up(&app.database, place, kind).await {
        sdk::log::warn(context, "an unfinished upload waits for the sweep", &[("error", &format!("{error:?}"))]);
    }
    if kind == Kind::S3 {
        clear(app, context).await;
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
    let Error::Unavailable(reason) = error else { return error.problem(context, "media") };
    sdk::log::warn(context, "request failed for now", &[("error", &reason)]);
    Problem::unavailable("the storage of files is not available")
}

/// What the bytes are. A picture is unpacked: what cannot be is no picture.
async fn examined<D: Driver, P: Platform>(
    app: &App<D, P>,
    storage: &dyn Storage<'_>,
    place: &Place,
    received: Received,
    filename: &str,
) -> Result<Arrived, Refusal> {
    let Received { head, sha256, size } = received;
    if size == 0 {
        return Err(refusal(invalid("file", "is empty")));
    }
    let mime_type = containers::mime_type(storage, place, &head, size, filename).await?;
    if !sniff::is_taken(mime_type) && !app.extra_types().await.iter().any(|extra| extra == mime_type) {
        return Err(unsupported(format!("files of the type {mime_type} are not taken")).into());
    }
    let picture = match picture::format(mime_type) {
        Some(format) => Some(unpacked(app, storage, place, format, size).await?),
        None => None,
    };
    let dimensions = picture.as_ref().map(|picture| (picture.width, picture.height));
    let thumbnail = match picture.and_then(|picture| picture.thumbnail) {
        Some(thumbnail) => Some(small(storage, place, thumbnail).await?),
        None => None,
    };
    let (upload, storage, mime_type) = (place.id.clone(), storage.kind(), mime_type.to_owned());
    Ok(Arrived { upload, sha256, size, mime_type, dimensions, storage, thumbnail })
}

async fn small<'a>(storage: &dyn Storage<'a>, place: &Place, thumbnail: Thumbnail) -> Result<Kept, Error> {
    let Thumbnail { mime_type, width, height, bytes } = thumbnail;
    let size = bytes.len() as u64;
    let bytes = storage.write_variant(place.clone(), THUMBNAIL, bytes).await?;
    Ok(Kept { mime_type, width, height, size, bytes })
}

/// One picture at a time: it is in memory, packed and unpacked.
async fn unpacked<D: Driver, P: Platform>(
    app: &App<D, P>,
    storage: &dyn Storage<'_>,
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
    let mut pieces = storage.read(place.clone(), None, Part { first: 0, last: size.saturating_sub(1) }).await?;
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece.map_err(|error| Error::Unavailable(error.to_string()))?);
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
