//! The gateway's routes: every channel's webhooks, Meta's verification, the host's tick, and what other components ask.

mod accounts;
mod deliveries;
pub mod intake;
mod lending;

use std::borrow::Cow;

use http::Method;
use sdk::health::Checks;
use sdk::http::Response;
use sdk::query::percent_encode;
use sdk::{Problem, Request, Router, log, response, router::Outcome};
use serde_json::{Map, Value};

use crate::channel::carried::Cutter;
use crate::channel::whatsapp::subscription;
use crate::channel::{self, Call, Channel, Payload};
use crate::domain::delivery::State;
use crate::domain::{self, Carried, Error, Incoming, Platform, Retention, directory};

/// Meta sends 3 MB at most; the rest is room for its idea of a megabyte.
pub const BODY_LIMIT_BYTES: usize = (3 << 20) + (64 << 10);

/// How long deliveries are kept that are done or could not be read, and files' rows.
const RETENTION: (&str, i64) = ("webhook_retention_days", 30);
/// How long those are kept that failed: somebody may redrive them.
const FAILED_RETENTION: (&str, i64) = ("webhook_failed_retention_days", 90);

/// Kept with a delivery, beside the signature: what an investigation of a refused or doubled webhook would ask for.
const KEPT_HEADERS: [&str; 4] = ["content-type", "user-agent", "x-request-id", "i-twilio-idempotency-token"];

pub fn router<P: Platform + 'static>() -> Router<P> {
    Router::public()
        .get("/webhooks/:channel", verify)
        .post("/webhooks/:channel", receive)
        .get("/webhooks/:channel/:account", verify)
        .post("/webhooks/:channel/:account", receive)
        .get("/api/webhooks/:channel", verify)
        .post("/api/webhooks/:channel", receive)
        .get("/api/webhooks/:channel/:account", verify)
        .post("/api/webhooks/:channel/:account", receive)
        // No public route leads to the rest: spin.toml gives this component /webhooks/... and /api/webhooks/... only.
        .get("/health", health)
        .post("/internal/tick", tick)
        .private(Method::GET, "/internal/accounts/:kind", lending::any)
        .private(Method::GET, "/internal/accounts/:kind/:provider_id", lending::by_name)
        .private(Method::GET, "/channels", accounts::list)
        .private(Method::POST, "/channels", accounts::create)
        .private(Method::GET, "/channels/:id", accounts::get)
        .private(Method::PATCH, "/channels/:id", accounts::update)
        .private(Method::DELETE, "/channels/:id", accounts::delete)
        .private(Method::POST, "/channels/:id/start", accounts::start)
        .private(Method::GET, "/inbound-deliveries", deliveries::list)
        .private(Method::GET, "/inbound-deliveries/:id", deliveries::get)
        .private(Method::POST, "/inbound-deliveries/:id/redrive", deliveries::redrive)
}

/// Whether the deployment's variables make sense.
async fn health<P: Platform>(platform: &P, _: Request) -> Outcome {
    let mut checks = Checks::default();
    for (name, _) in [RETENTION, FAILED_RETENTION] {
        match platform.variable(name).await {
            Ok(days) => checks.number(name, days.as_deref(), 1..=3650),
            unread => checks.note(unread),
        }
    }
    match platform.variable("public_base_url").await {
        Ok(base) => checks.url("public_base_url", base.as_deref()),
        unread => checks.note(unread),
    }
    checks.outcome()
}

/// Of Meta's webhooks only: nobody else asks before sending.
async fn verify<P: Platform>(platform: &P, request: Request) -> Outcome {
    let channel = channel_of(&request)?;
    if channel.name() != channel::whatsapp::CHANNEL {
        return Err(Problem::method_not_allowed("POST"));
    }
    if request.method != Method::GET {
        return Err(Problem::method_not_allowed("GET, POST"));
    }
    let refused = || Problem::forbidden("the verification token is wrong");
    let query = request.query().map_err(|_| refused())?;
    let own = verify_tokens(platform, channel, &request).await?;
    if let Some(challenge) = own.iter().find_map(|token| subscription::challenge(&query, token)) {
        return Ok(plain(challenge));
    }
    let deployments = secret(platform, &request, "whatsapp_verify_token").await?;
    Ok(plain(subscription::challenge(&query, &deployments).ok_or_else(refused)?))
}

/// Of all who say that the account is theirs that the address names: a claim takes nobody's place.
async fn verify_tokens<P: Platform>(
    platform: &P,
    channel: &'static dyn Channel,
    request: &Request,
) -> Result<Vec<String>, Problem> {
    let query = address_query(request);
    let Some(account) = channel.fallback(Payload { body: &[], query: &query }) else { return Ok(Vec::new()) };
    let names = [account];
    let found = directory::find(platform, channel, &names, true).await.map_err(|reason| internal(request, &reason))?;
    let tokens = found.values().flat_map(|claims| &claims.0).filter_map(|known| known.verify_token.clone());
    Ok(tokens.collect())
}

fn plain(text: String) -> Response {
    response::bytes(http::StatusCode::OK, "text/plain; charset=utf-8", text.into_bytes())
}

async fn receive<P: Platform>(platform: &P, request: Request) -> Outcome {
    let channel = channel_of(&request)?;
    let call = Call { request: &request, urls: urls(platform, &request).await?, now: platform.now() };
    let (headers, query) = (kept_headers(channel, &request), address_query(&request));
    let (body, files) = without_files(channel, &request);
    let incoming = Incoming {
        channel,
        payload: Payload { body: &body, query: &query },
        files,
        is_signed_with: &|secret| channel.is_authentic(secret, &call),
        headers: &headers,
        request_id: &request.context.request_id,
        traceparent: &request.context.traceparent,
    };
    let received = domain::receive(platform, incoming).await.map_err(|error| problem(error, &request))?;
    if received.conclusion.state != State::Done {
        log::warn(&request.context, "delivery goes on in the background", &[("delivery", &received.conclusion.id)]);
    }
    platform.conclude_later(received.conclusion);
    if received.refused > 0 {
        return Err(not_signed_for_all(received.refused, &received.answer));
    }
    match channel.empty_answer().filter(|_| !asks_for_json(&request)) {
        Some(empty) => Ok(response::bytes(http::StatusCode::OK, empty.content_type, empty.body.into())),
        None => response::ok(&received.answer),
    }
}

/// Providers take anything (`*/*`); who tries a webhook by hand or by program may ask what became of it.
fn asks_for_json(request: &Request) -> bool {
    let types = request.header("accept").unwrap_or_default().split(',');
    types.filter_map(|one| one.split(';').next()).any(|one| one.trim().eq_ignore_ascii_case("application/json"))
}

/// The body without the files in it, and those. What came through [`intake`] has none any more.
fn without_files<'r>(channel: &dyn Channel, request: &'r Request) -> (Cow<'r, [u8]>, Carried) {
    if let Some(id) = request.header(intake::STAGED.as_str()) {
        return (Cow::Borrowed(&request.body), Carried::Staged(id.to_owned()));
    }
    if channel.files().is_empty() {
        return (Cow::Borrowed(&request.body), Carried::None);
    }
    let (mut cutter, mut pieces) = (Cutter::new(channel.files()), Vec::new());
    cutter.push(&request.body, &mut pieces);
    let files = if pieces.is_empty() { Carried::None } else { Carried::Here(pieces) };
    (Cow::Owned(cutter.finish()), files)
}

/// What the signer speaks for is done; the rest is not acknowledged, so that the provider repeats it until the account is registered.
fn not_signed_for_all(refused: usize, answer: &domain::Answer) -> Problem {
    let detail = format!(
        "{refused} items are of accounts that this signature does not speak for: register the accounts, or sign with their secret; \
         {} others were accepted or known",
        answer.accepted + answer.duplicates + answer.ignored
    );
    Problem::new(http::StatusCode::FORBIDDEN, "account_not_signed", detail)
}

async fn tick<P: Platform>(platform: &P, request: Request) -> Outcome {
    let retention = Retention {
        finished: kept_for(platform, &request, RETENTION).await?,
        failed: kept_for(platform, &request, FAILED_RETENTION).await?,
    };
    let report = domain::tick(platform, retention).await.map_err(|error| problem(error, &request))?;
    if let Err(reason) = directory::seal_anew(platform).await {
        log::error(&request.context, "credentials could not be sealed anew", &[("reason", &reason)]);
    }
    if report.failed > 0 {
        log::error(&request.context, "deliveries failed for good", &[("count", &report.failed)]);
    }
    response::ok(&report)
}

async fn kept_for<P: Platform>(platform: &P, request: &Request, (name, days): (&str, i64)) -> Result<i64, Problem> {
    let value = platform.variable(name).await.map_err(|reason| internal(request, &reason))?;
    Ok(sdk::sweep::days_or(value.as_deref(), days))
}

fn channel_of(request: &Request) -> Result<&'static dyn Channel, Problem> {
    channel::find(request.param("channel")).ok_or_else(|| Problem::not_found("channel"))
}

/// The addresses that the caller may have called: behind a proxy only the deployment knows; else the request says it, but not
/// whether TLS ended before us.
async fn urls<P: Platform>(platform: &P, request: &Request) -> Result<Vec<String>, Problem> {
    let base = platform.variable("public_base_url").await.map_err(|reason| internal(request, &reason))?;
    let query = if request.raw_query.is_empty() { String::new() } else { format!("?{}", request.raw_query) };
    let bases = match (base, request.header("host")) {
        (Some(base), _) => vec![base.trim_end_matches('/').to_owned()],
        (None, Some(host)) => vec![format!("https://{host}"), format!("http://{host}")],
        (None, None) => Vec::new(),
    };
    Ok(bases.into_iter().map(|base| format!("{base}{}{query}", request.path)).collect())
}

/// The query with the account in the path before it: it is kept and read like one that was written there.
fn address_query(request: &Request) -> String {
    match (request.param("account"), request.raw_query.as_str()) {
        ("", query) => query.to_owned(),
        (account, "") => format!("account={}", percent_encode(account)),
        (account, query) => format!("account={}&{query}", percent_encode(account)),
    }
}

fn kept_headers(channel: &dyn Channel, request: &Request) -> String {
    let kept = |name: &str| Some((name.to_owned(), Value::from(request.header(name)?)));
    let names = KEPT_HEADERS.into_iter().chain(channel.signature());
    Value::Object(names.filter_map(kept).collect::<Map<_, _>>()).to_string()
}

/// The host refuses to start without these, so their absence is a fault of the deployment under another host.
async fn secret<P: Platform>(platform: &P, request: &Request, name: &str) -> Result<String, Problem> {
    let value = platform.variable(name).await.map_err(|reason| internal(request, &reason))?;
    value.ok_or_else(|| internal(request, &format!("variable `{name}` has no value: give it one in spin.toml")))
}

fn internal(request: &Request, reason: &str) -> Problem {
    log::error(&request.context, reason, &[]);
    Problem::internal()
}

fn problem(error: Error, request: &Request) -> Problem {
    match error {
        Error::Unsigned => Problem::unauthenticated("the signature is missing or wrong"),
        Error::Deployment(reason) => internal(request, &reason),
        Error::Unreadable => Problem::unreadable("the body is not in the form that this channel sends"),
        Error::TooManyItems => {
            Problem::new(http::StatusCode::PAYLOAD_TOO_LARGE, "too_many_items", "the body holds too many items")
        }
        Error::Store(reason) => {
            log::error(&request.context, &reason, &[]);
            Problem::unavailable("the webhook could not be stored: send it again")
        }
    }
}
