//! Bytes on their way out: whole, in parts, or not at all when the client has them; told so that no browser runs or renders them.

mod body;

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use sdk::{Context, Problem, Request, query::Query, sql::Driver};

pub use body::Body;
use body::Section;

use crate::{
    app::{App, Platform},
    domain::{Content, Media, Status, THUMBNAIL},
    filename, range,
    range::Wanted,
    signature::{Link, Refused},
    sniff,
    storage::Kind,
    store,
    store::uploads::Place,
    upload::told,
};

/// A day. The bytes of an attachment never change, but it can be deleted.
const CACHED_SECONDS: i64 = 24 * 3600;
/// Whatever a browser makes of the bytes, it runs no script, loads nothing and has no origin.
const POLICY: &str = "default-src 'none'; sandbox";

/// What is to be sent: a part of a content, or of a picture made of it.
pub(crate) struct Sent {
    place: Place,
    tag: String,
    mime_type: String,
    name: String,
    size: u64,
    storage: Kind,
    variant: Option<&'static str>,
    cached_seconds: i64,
}

/// `GET /media/{id}/content` for who has a credential, or a signed link.
pub async fn get<D: Driver, P: Platform>(
    app: &'static App<D, P>,
    request: &Request,
    id: &str,
    is_head: bool,
) -> Result<Response<Body>, Problem> {
    let query = request.query()?;
    query.allow(&["variant", "tenant", "expires", "signature"])?;
    let (tenant, cached_seconds) = viewer(app, &request.context, id, &query).await?;
    let context = Context { tenant, ..request.context.clone() };
    let found = store::media::get(&app.database, &context.tenant, id).await.map_err(|e| told(&context, e))?;
    let media = found.ok_or_else(|| Problem::not_found("media"))?;
    let content = media.content.clone().ok_or_else(|| not_here(&media))?;
    let sent = chosen(&context, media, content, query.get("variant"), cached_seconds)?;
    let (mut answer, parts) = answer(&request.headers, &sent)?;
    if !is_head && !parts.is_empty() {
        let storage = app.storage_of(sent.storage).await.map_err(|e| told(&context, e))?;
        *answer.body_mut() = body::of(storage, sent, parts).await.map_err(|e| told(&context, e))?;
    }
    Ok(answer)
}

/// Whose attachments may be seen, and how long the answer may be kept.
async fn viewer<D: Driver, P: Platform>(
    app: &App<D, P>,
    context: &Context,
    id: &str,
    query: &Query,
) -> Result<(String, i64), Problem> {
    let secret = crate::http::link_secret(app, context).await?;
    match Link::of(id, query, &secret, app.now()) {
        Some(Ok(link)) => {
            let left = link.expires - app.now() / 1_000_000;
            Ok((link.tenant, left.min(CACHED_SECONDS)))
        }
        Some(Err(Refused::Expired)) => {
            Err(Problem::new(StatusCode::FORBIDDEN, "link_expired", "the link has expired: ask for a new one"))
        }
        Some(Err(Refused::Forged)) => {
            Err(Problem::new(StatusCode::FORBIDDEN, "bad_signature", "the link's signature is wrong"))
        }
        None => {
            crate::http::require_tenant(context)?;
            context.require("media:read")?;
            Ok((context.tenant.clone(), CACHED_SECONDS))
        }
    }
}

/// 409: there is an attachment, and its bytes are not here.
pub(crate) fn not_here(media: &Media) -> Problem {
    Problem::conflict(match media.status {
        Status::Failed => "the attachment could not be fetched from where it was sent",
        _ => "the attachment is still being fetched from where it was sent",
    })
}

fn chosen(
    context: &Context,
    media: Media,
    content: Content,
    variant: Option<&str>,
    cached_seconds: i64,
) -> Result<Sent, Problem> {
    let place = Place { tenant: context.tenant.clone(), id: content.id.clone() };
    let storage = content.storage;
    let Some(name) = variant else {
        let Content { sha256: tag, size, mime_type, .. } = content;
        return Ok(Sent { place, tag, mime_type, name: media.filename, size, storage, variant: None, cached_seconds });
    };
    if name != THUMBNAIL {
        return Err(Problem::invalid_field("?variant", format!("is none; the only one is {THUMBNAIL}")));
    }
    let variant = content.variant(name).ok_or_else(|| Problem::not_found("variant"))?;
    let extension = sniff::extension(&variant.mime_type).unwrap_or("bin");
    Ok(Sent {
        tag: format!("{}-{name}", content.sha256),
        mime_type: variant.mime_type.clone(),
        name: format!("{name}.{extension}"),
        size: variant.size,
        variant: Some(THUMBNAIL),
        storage,
        place,
        cached_seconds,
    })
}

/// The answer without its body, and which parts of the file that is made of.
fn answer(asked: &HeaderMap, sent: &Sent) -> Result<(Response<Body>, Vec<Section>), Problem> {
    let mut answer = Response::new(Body::empty());
    let tag = format!("\"{}\"", sent.tag);
    describe(answer.headers_mut(), sent, &tag);
    if matches_any(asked, &header::IF_NONE_MATCH, &tag) {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok((answer, Vec::new()));
    }
    // A part of another version is no use: then the whole is sent.
    let is_current = asked.get(header::IF_RANGE).is_none_or(|known| known.as_bytes() == tag.as_bytes());
    let wanted = text(asked, &header::RANGE).filter(|_| is_current);
    let sections = match range::read(wanted, sent.size) {
        Wanted::Whole => body::whole(&mut answer, sent),
        Wanted::Parts(parts) => body::parts(&mut answer, sent, parts),
        Wanted::Unsatisfiable => {
            let problem =
                Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, "bad_range", "there is no such range in the file");
            return Err(problem.header(header::CONTENT_RANGE, &format!("bytes */{}", sent.size)));
        }
    };
    Ok((answer, sections))
}

fn describe(headers: &mut HeaderMap, sent: &Sent, tag: &str) {
    let is_inline = sniff::is_shown(&sent.mime_type);
    let lines: [(HeaderName, &str); 7] = [
        (header::ETAG, tag),
        (header::ACCEPT_RANGES, "bytes"),
        (header::CONTENT_TYPE, sniff::told(&sent.mime_type)),
        (header::CONTENT_DISPOSITION, &filename::disposition(is_inline, &sent.name)),
        (header::CACHE_CONTROL, &format!("private, max-age={}", sent.cached_seconds)),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
    ];
    for (name, value) in lines {
        headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
    }
}

/// Weak tags count too, as the standard has it for `If-None-Match`.
fn matches_any(asked: &HeaderMap, name: &HeaderName, tag: &str) -> bool {
    let listed = text(asked, name).unwrap_or_default();
    listed.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
