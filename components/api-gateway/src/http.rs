//! The way of a request through the gateway: traced, authenticated, routed, answered.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use serde_json::json;

use crate::auth::{self, Caller, authenticate};
use crate::call::{CALL_DEADLINE_MS, Call};
use crate::clients::{Body, Outside};
use crate::health;
use crate::problem;
use crate::reply::{ok, whole};
use crate::routes::{self, API_PREFIX, Action, Match, Route, api_keys, conversations, messages, tenants, users};
use crate::trace::{Trace, X_REQUEST_ID};
use sdk::context::IDEMPOTENCY_KEY;
use sdk::{Context, Problem};

/// 1 MiB: a message of the longest channel (32 KiB) with all the metadata that one may wish, many times over.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// One per instance: what it reaches, and what it remembers of those who asked.
pub struct Gateway<B> {
    outside: B,
    callers: auth::Memory,
}

impl<B: Outside> Gateway<B> {
    pub fn new(outside: B) -> Self {
        Self { outside, callers: auth::Memory::default() }
    }

    /// Answers every request; whatever goes wrong is told as a problem.
    pub async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let trace = Trace::of(&parts.headers);
        let path = parts.uri.path();
        let is_head = parts.method == Method::HEAD;
        let answer = match path.strip_prefix(API_PREFIX).filter(|rest| rest.starts_with('/')) {
            Some(below) => self.api(&parts, below, body, &trace).await,
            None => self.outside_the_api(&parts.method, path).await,
        };
        let answer = answer.unwrap_or_else(|problem| told(problem, path, &trace));
        finished(answer, &trace, is_head)
    }

    async fn outside_the_api(&self, method: &Method, path: &str) -> Result<Response<Body>, Problem> {
        let path = path.strip_suffix('/').unwrap_or(path);
        if !matches!(path, "" | "/health" | "/ready") {
            return Err(Problem::not_found("path"));
        }
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Err(problem::method_not_allowed(&[Method::GET]));
        }
        match path {
            "/health" => ok(&json!({ "status": "ok" })),
            "/ready" => health::ready(&self.outside).await,
            _ => ok(&json!({ "name": "Kobliat", "api": API_PREFIX, "health": "/health", "ready": "/ready" })),
        }
    }

    /// Who asks comes first: to strangers all paths look alike.
    async fn api(
        &self,
        parts: &http::request::Parts,
        path: &str,
        body: Body,
        trace: &Trace,
    ) -> Result<Response<Body>, Problem> {
        let caller = authenticate(&self.outside, &self.callers, &parts.headers).await.map_err(problem::denied)?;
        let (route, parameters) = match routes::find(&parts.method, path) {
            Match::Found(route, parameters) => (route, parameters),
            Match::OtherMethods(methods) => return Err(problem::method_not_allowed(&methods)),
            Match::Unknown => return Err(Problem::not_found("path")),
        };
        let context = context(caller, trace, &parts.headers)?;
        check_scopes(&context, route)?;
        let call = Call {
            method: &parts.method,
            public_path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            parameters,
            headers: &parts.headers,
            body: read_body(&parts.method, &parts.headers, body).await?,
            context,
        };
        self.act(route, &call).await
    }

    async fn act(&self, route: &Route, call: &Call<'_>) -> Result<Response<Body>, Problem> {
        let outside = &self.outside;
        match route.action {
            Action::Forward(service) => {
                crate::forward::forward(outside, call, service, &routes::fill(route.path, &call.parameters)).await
            }
            Action::ListConversations => conversations::list(outside, call).await,
            Action::ListCustomerConversations => conversations::list_of_customer(outside, call).await,
            Action::CreateConversation => conversations::create(outside, call).await,
            Action::ConversationDetails => conversations::details(outside, call).await,
            Action::ListMessages => conversations::list_messages(outside, call).await,
            Action::CreateMessage => messages::create(outside, call).await,
            Action::ApiKeys(what) => api_keys::act(outside, call, what).await,
            Action::Tenants(what) => tenants::act(outside, call, what).await,
            Action::Users(what) => users::act(outside, call, what).await,
        }
    }
}

fn context(caller: Caller, trace: &Trace, headers: &HeaderMap) -> Result<Context, Problem> {
    // A key that cannot be passed on must not be dropped: its sender relies on it.
    let bad_key = || Problem::unreadable("Idempotency-Key must be one value of visible ASCII characters");
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = keys.next().map(|key| key.to_str().map_err(|_| bad_key())).transpose()?.unwrap_or_default();
    if keys.next().is_some() {
        return Err(bad_key());
    }
    Ok(Context {
        tenant: caller.tenant,
        principal: caller.principal,
        scopes: caller.scopes,
        request_id: trace.request_id.clone(),
        traceparent: trace.traceparent.clone(),
        deadline_ms: CALL_DEADLINE_MS,
        idempotency_key: key.trim().to_owned(),
        extensions: Vec::new(),
    })
}

fn check_scopes(context: &Context, route: &Route) -> Result<(), Problem> {
    let may = route.scopes.iter().all(|scope| context.allows(scope));
    if may { Ok(()) } else { Err(problem::insufficient_scope(route.scopes)) }
}

fn told(problem: Problem, path: &str, trace: &Trace) -> Response<Body> {
    let context = Context { request_id: trace.request_id.clone(), ..Context::default() };
    whole(problem.into_response(&context, path))
}

/// The body of a method that has one: within the limit, JSON by its label, and UTF-8. It is read whole, so that what is
/// refused for its size has reached nobody; answers stream.
async fn read_body(method: &Method, headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(Bytes::new());
    }
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > MAX_BODY_BYTES as u64) {
        return Err(Problem::too_large(MAX_BODY_BYTES));
    }
    if headers.get(CONTENT_TYPE).is_some_and(|value| !is_json(value)) {
        return Err(Problem::unsupported_media_type("send application/json"));
    }
    let body = Limited::new(body, MAX_BODY_BYTES).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Problem::too_large(MAX_BODY_BYTES)
        } else {
            Problem::unreadable("the body broke off")
        }
    })?;
    let body = body.to_bytes();
    match std::str::from_utf8(&body) {
        Ok(_) => Ok(body),
        Err(_) => Err(Problem::unreadable("the body is not valid UTF-8")),
    }
}

/// `application/json` and its kin (`application/merge-patch+json`), with parameters or without.
fn is_json(content_type: &HeaderValue) -> bool {
    let Ok(text) = content_type.to_str() else { return false };
    let essence = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn finished(mut answer: Response<Body>, trace: &Trace, is_head: bool) -> Response<Body> {
    if let Ok(id) = HeaderValue::from_str(&trace.request_id) {
        answer.headers_mut().insert(X_REQUEST_ID, id);
    }
    answer.headers_mut().insert(http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_head {
        answer.headers_mut().remove(CONTENT_LENGTH);
        *answer.body_mut() = spin_sdk::http::box_body(Empty::new());
    }
    answer
}
