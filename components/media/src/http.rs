//! The REST surface, as the gateway forwards it: what streams, and what is JSON.

use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use sdk::{
    Context, Error, Outcome, Problem, Router, context::REQUEST_ID, etag, event::Incoming, http::BODY_LIMIT_BYTES, log,
    query::Query, response, sql::Driver,
};
use serde::Deserialize;
use serde_json::json;
use spin_sdk::http::BoxBody;

use crate::{
    app::{App, Platform},
    content::{self, Body},
    domain,
    domain::THUMBNAIL,
    quota,
    signature::Link,
    storage, store, upload,
    upload::told,
    view::View,
};

/// Where the API is, seen from outside.
const API_PREFIX: &str = "/api/v1";
/// One hour: no upload takes as long, because no request may.
const UNFINISHED_MICROS: i64 = 3600 * 1_000_000;
/// By which the gateway says how the client reached it.
const PUBLIC_URL: &str = "kobliat-public-url";

/// The service and its routes: one for all requests of an instance.
pub struct Running<A> {
    pub app: A,
    router: Router<A>,
}

impl<D: Driver + 'static, P: Platform> Running<App<D, P>> {
    /// For the life of the instance: a download reads on when its handler is done.
    pub fn start(app: App<D, P>) -> &'static Self {
        Box::leak(Box::new(Self { app, router: router() }))
    }

    /// Answers every request; bodies of files stream both ways.
    pub async fn handle(&'static self, request: Request<BoxBody>) -> Response<Body> {
        let Some(streamed) = Streamed::of(&request) else {
            let answer = async |request| self.router.handle(&self.app, request).await;
            return sdk::http::serve(request, BODY_LIMIT_BYTES, answer).await.map(Body::of);
        };
        let context = Context::trusting(request.headers());
        let path = request.uri().path().to_owned();
        let outcome = streamed.answer(&self.app, context.clone(), request).await;
        let mut answer = outcome.unwrap_or_else(|problem| problem.into_response(&context, &path).map(Body::full));
        let id = HeaderValue::from_str(&context.request_id).ok();
        answer.headers_mut().extend(id.map(|id| (HeaderName::from_static(REQUEST_ID), id)));
        answer
    }
}

/// A request whose body, or whose answer's, is a file.
enum Streamed {
    Upload,
    Announced(String),
    Content(String),
}

impl Streamed {
    fn of(request: &Request<BoxBody>) -> Option<Self> {
        let path = request.uri().path();
        let path = path.strip_suffix('/').unwrap_or(path);
        if path == "/media/upload" {
            return (request.method() == Method::POST).then_some(Self::Upload);
        }
        let id = path.strip_prefix("/media/")?.strip_suffix("/content")?;
        let id = sdk::ids::parse(id).unwrap_or_default();
        match *request.method() {
            Method::GET | Method::HEAD => Some(Self::Content(id)),
            Method::PUT => Some(Self::Announced(id)),
            _ => None,
        }
    }

    async fn answer<D: Driver, P: Platform>(
        self,
        app: &'static App<D, P>,
        context: Context,
        request: Request<BoxBody>,
    ) -> Result<Response<Body>, Problem> {
        if let Self::Content(id) = self {
            let (parts, _no_body) = request.into_parts();
            let is_head = parts.method == Method::HEAD;
            let raw_query = parts.uri.query().unwrap_or_default().to_owned();
            let request = sdk::Request { raw_query, headers: parts.headers, context, ..sdk::Request::default() };
            return content::get(app, &request, &id, is_head).await;
        }
        require_tenant(&context)?;
        let answer = match self {
            Self::Announced(id) => upload::announced(app, &context, &id, request).await?,
            _ => upload::form(app, &context, request).await?,
        };
        Ok(answer.map(Body::full))
    }
}

/// Only the gateway and other components of the platform get here; a request of theirs has a tenant.
pub(crate) fn require_tenant(context: &Context) -> Result<(), Problem> {
    match context.tenant.is_empty() {
        true => Err(Problem::unauthenticated("this is reached through the gateway")),
        false => Ok(()),
    }
}

pub(crate) fn unsupported(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
}

fn router<D: Driver + 'static, P: Platform>() -> Router<App<D, P>> {
    Router::internal()
        .health(async |app: &App<D, P>, _| app.health().await)
        .delete("/media", delete_of_conversation)
        .get("/media/:id", get)
        .get("/media/:id/download", download)
        .delete("/media/:id", delete)
        .platform("/internal/tick", tick)
        .platform(sdk::erase::PATH, erase)
        .tenantless(Method::PUT, quota::PATH, quota::set)
        .platform("/events", forget)
}

async fn get<D: Driver, P: Platform>(app: &App<D, P>, request: sdk::Request) -> Outcome {
    request.context.require("media:read")?;
    let media = found(app, &request).await?;
    let updated_at = media.updated_at;
    response::ok(&View::from(media)).map(|answer| etag::with(answer, updated_at))
}

async fn found<D: Driver, P: Platform>(app: &App<D, P>, request: &sdk::Request) -> Result<domain::Media, Problem> {
    let id = request.id("id", "media")?;
    let found = store::media::get(&app.database, &request.context.tenant, &id).await;
    found.map_err(|e| told(&request.context, e))?.ok_or_else(|| Problem::not_found("media"))
}

/// A link that works without a credential, for a while.
async fn download<D: Driver, P: Platform>(app: &App<D, P>, request: sdk::Request) -> Outcome {
    request.context.require("media:read")?;
    let query = request.query()?;
    query.allow(&["variant"])?;
    let media = found(app, &request).await?;
    let content = media.content.as_ref().ok_or_else(|| content::not_here(&media))?;
    let variant = variant(&query)?;
    if variant.as_ref().is_some_and(|name| content.variant(name).is_none()) {
        return Err(Problem::not_found("variant"));
    }
    let seconds = app.link_seconds().await;
    let (tenant, expires) = (request.context.tenant.clone(), app.now() / 1_000_000 + seconds);
    let path = Link { tenant, id: media.id, variant, expires }.path(&link_secret(app, &request.context).await?);
    let base = app.platform.setting("public_base_url").await;
    let base = base.or_else(|| request.header(PUBLIC_URL).map(str::to_owned)).unwrap_or_default();
    let url = format!("{}{API_PREFIX}{path}", base.trim_end_matches('/'));
    response::ok(&json!({ "download_url": url, "expires_in_seconds": seconds }))
}

fn variant(query: &Query) -> Result<Option<String>, Problem> {
    match query.get("variant") {
        None => Ok(None),
        Some(THUMBNAIL) => Ok(Some(THUMBNAIL.to_owned())),
        Some(_) => Err(Problem::invalid_field("?variant", format!("is none; the only one is {THUMBNAIL}"))),
    }
}

/// The host refuses to start without it, so its absence is a fault of the deployment under another host.
pub(crate) async fn link_secret<D: Driver, P: Platform>(app: &App<D, P>, context: &Context) -> Result<String, Problem> {
    let secret = app.platform.setting("media_link_secret").await;
    secret.ok_or_else(|| {
        log::error(context, "variable `media_link_secret` has no value: give it one in spin.toml", &[]);
        Problem::internal()
    })
}

async fn delete<D: Driver, P: Platform>(app: &App<D, P>, request: sdk::Request) -> Outcome {
    request.context.require("media:write")?;
    let id = request.id("id", "media")?;
    let version = etag::if_match(&request)?;
    let deleted = store::media::delete(&app.database, &request.context.tenant, &id, version).await;
    deleted.map_err(|e| told(&request.context, e))?;
    storage::clear(app, &request.context).await;
    response::no_content()
}

/// All attachments of a conversation.
async fn delete_of_conversation<D: Driver, P: Platform>(app: &App<D, P>, request: sdk::Request) -> Outcome {
    request.context.require("media:write")?;
    let query = request.query()?;
    query.allow(&["conversation_id"])?;
    let conversation = query.get("conversation_id").and_then(sdk::ids::parse);
    let conversation =
        conversation.ok_or_else(|| Problem::invalid_field("?conversation_id", "is required, and is a UUID"))?;
    let tenant = &request.context.tenant;
    let deleted = store::media::delete_of_conversation(&app.database, tenant, &conversation).await;
    let deleted = deleted.map_err(|e| told(&request.context, e))?;
    storage::clear(app, &request.context).await;
    response::ok(&json!({ "deleted": deleted }))
}

/// What whoever uploaded it has left behind.
async fn tick<D: Driver, P: Platform>(app: &App<D, P>, request: sdk::Request) -> Outcome {
    let swept = storage::sweep(app, app.now() - UNFINISHED_MICROS).await;
    response::ok(&json!({ "swept": swept.map_err(|e| told(&request.context, e))? }))
}

/// A deleted tenant's files, a hundred at a time, and what else is known of it.
async fn erase<D: Driver, P: Platform>(app: &App<D, P>, request: sdk::Request) -> Outcome {
    let deleted = store::media::delete_some(&app.database, request.param("tenant")).await;
    if deleted.map_err(|e| told(&request.context, e.into()))? > 0 {
        storage::clear(app, &request.context).await;
        return response::ok(&json!({ "done": false }));
    }
    sdk::erase::answer(&app.database, store::ERASED, &request).await
}

#[derive(Deserialize)]
struct Erased {
    messages: Vec<ErasedMessage>,
}

#[derive(Deserialize)]
struct ErasedMessage {
    media_id: Option<String>,
}

/// The content of messages is gone: their attachments go, too. What is gone already is passed over, so that this may come again.
async fn forget<D: Driver, P: Platform>(app: &App<D, P>, request: sdk::Request) -> Outcome {
    const ERASED: &str = "com.kobliat.message.erased.v1";
    let event = Incoming::of(&request)?;
    if event.kind() != ERASED {
        return response::no_content();
    }
    let context = Context { tenant: event.tenant().to_owned(), ..request.context };
    for id in event.read::<Erased>()?.messages.into_iter().filter_map(|message| message.media_id) {
        match store::media::delete(&app.database, &context.tenant, &id, None).await {
            Ok(()) | Err(Error::NotFound) => {}
            Err(error) => return Err(told(&context, error)),
        }
    }
    storage::clear(app, &context).await;
    response::no_content()
}
