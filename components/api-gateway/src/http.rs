//! The way of a request through the gateway: traced, authenticated, counted, routed, answered, logged.

mod body;
mod finish;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Empty, Limited};
use serde_json::json;

use crate::auth::{self, Caller, authenticate};
use crate::call::{Call, call, context};
use crate::chores::Chores;
use crate::clients::{Body, Outside};
use crate::credentials;
use crate::limits::{Slices, Standing};
use crate::logs::redact::{self, Readable};
use crate::logs::{Entry, Logs};
use crate::reply::{buffered, ok, whole};
use crate::routes::{
    self, API_PREFIX, Action, Match, Route, api_keys, channels, conversations, customers, inbox, messages, tenants,
    users,
};
use crate::routes::{media, oauth};
use crate::tenants::STRANGERS;
use crate::tokens::Signing;
use crate::trace::{Trace, X_REQUEST_ID};
use crate::{cors, docs, health, problem};
use sdk::{Context, Micros, Problem, ids};

pub use body::MAX_BODY_BYTES;

/// Of an error, the log keeps the beginning of the description. One that is longer than this (1 MiB: ten thousand wrong fields) is none of ours.
const MAX_ERROR_BYTES: usize = 1024 * 1024;

/// One per instance: what it reaches, what it remembers of those who asked, and what it has yet to write.
pub struct Gateway<B> {
    outside: B,
    callers: auth::Memory,
    slices: Slices,
    logs: Logs,
    chores: Chores,
}

/// What was found out about a request on its way, for the headers and the log of its answer.
#[derive(Default)]
struct Seen {
    caller: Option<Caller>,
    standing: Option<Standing>,
    body: Bytes,
    /// The path as it may be logged.
    path: Option<String>,
}

impl<B: Outside> Gateway<B> {
    pub fn new(outside: B) -> Self {
        Self {
            outside,
            callers: auth::Memory::default(),
            slices: Slices::default(),
            logs: Logs::default(),
            chores: Chores::default(),
        }
    }

    /// Answers every request; whatever goes wrong is told as a problem.
    pub async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let started = self.outside.now();
        let (parts, body) = request.into_parts();
        let trace = Trace::of(&parts.headers);
        let origin = self.origin(&parts.headers).await;
        if cors::is_preflight(&parts.method, &parts.headers) {
            return finished(cors::preflight(origin), &trace, false);
        }
        let path = parts.uri.path();
        let mut seen = Seen::default();
        let below = path.strip_prefix(API_PREFIX).filter(|rest| rest.starts_with('/'));
        let answer = match below {
            Some(below) => self.api(&parts, below, body, &trace, &mut seen).await,
            None => self.outside_the_api(&parts, path).await,
        };
        let answer = answer.unwrap_or_else(|problem| told(problem, path, &trace));
        let mut answer = finish::conditional(&parts.method, &parts.headers, answer);
        finish::under_prefix(&self.outside, &mut answer).await;
        if let Some(standing) = seen.standing {
            let with_x = self.outside.variable("x_ratelimit_headers").await.is_some_and(|switch| switch == "true");
            standing.tell(answer.headers_mut(), with_x);
        }
        if below.is_some() {
            answer = self.logged(answer, &parts, &trace, seen, started).await;
        }
        self.chores.look(&self.outside);
        cors::tell(&mut answer, origin);
        finished(answer, &trace, parts.method == Method::HEAD)
    }

    async fn origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        headers.get(http::header::ORIGIN)?;
        cors::allowed_origin(self.outside.variable("cors_origins").await.as_deref(), headers)
    }

    async fn outside_the_api(&self, parts: &Parts, path: &str) -> Result<Response<Body>, Problem> {
        let file = docs::file(path);
        let (method, path) = (&parts.method, path.strip_suffix('/').unwrap_or(path));
        let known = matches!(
            path,
            "" | "/health"
                | "/ready"
                | "/openapi.json"
                | "/.well-known/jwks.json"
                | "/.well-known/oauth-authorization-server"
        );
        if !known && file.is_none() {
            return Err(Problem::not_found("path"));
        }
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Err(problem::method_not_allowed(&[Method::GET]));
        }
        if let Some(file) = file {
            return Ok(file);
        }
        let prefix = finish::public_prefix(&self.outside).await;
        match path {
            "/openapi.json" => docs::openapi(&prefix),
            "/.well-known/oauth-authorization-server" => ok(&oauth::metadata(&self.outside, &parts.headers).await),
            "/health" => health::alive(&self.outside).await,
            "/ready" => health::ready(&self.outside).await,
            "/.well-known/jwks.json" => match Signing::of(&self.outside).await {
                Some(signing) => ok(&signing.jwks()),
                None => ok(&json!({ "keys": [] })),
            },
            _ => ok(
                &json!({ "name": "Kobliat", "api": format!("{prefix}{API_PREFIX}"), "docs": format!("{prefix}/docs"), "openapi": format!("{prefix}/openapi.json"), "health": format!("{prefix}/health"), "ready": format!("{prefix}/ready") }),
            ),
        }
    }

    /// Who asks comes first: to strangers all paths look alike, but for those where a client identifies itself in its own way.
    async fn api(
        &self,
        parts: &Parts,
        path: &str,
        body: Body,
        trace: &Trace,
        seen: &mut Seen,
    ) -> Result<Response<Body>, Problem> {
        let found = routes::find(&parts.method, path);
        if let Match::Found(Route { action: Action::OAuth(what), .. }, _) = found {
            let form = body::read_form(&parts.headers, body).await?;
            let asked = oauth::Asked { headers: &parts.headers, form: &form };
            return oauth::act(&self.outside, &self.callers, &asked, *what).await;
        }
        if let Match::Found(route, parameters) = &found
            && media::is_signed(route, parts.uri.query())
        {
            let (request_id, traceparent) = (trace.request_id.clone(), trace.traceparent.clone());
            let nobody = Context { request_id, traceparent, ..Context::default() };
            let call = call(parts, parameters.clone(), Bytes::new(), nobody);
            return media::stream(&self.outside, &call, &routes::fill(route.path, parameters), body).await;
        }
        let caller = authenticate(&self.outside, &self.callers, &parts.headers).await.map_err(problem::denied)?;
        let caller = seen.caller.insert(caller);
        match self.slices.spend(&self.outside, caller).await {
            Ok(standing) => seen.standing = standing,
            Err((problem, standing)) => {
                seen.standing = Some(standing);
                return Err(problem);
            }
        }
        let (route, parameters) = match found {
            Match::Found(route, parameters) => (route, parameters),
            Match::OtherMethods(methods) => return Err(problem::method_not_allowed(&methods)),
            Match::Unknown => return Err(Problem::not_found("path")),
        };
        seen.path = Some(format!("{API_PREFIX}{}", routes::fill_for_log(route.path, &parameters)));
        let context = context(caller, trace, &parts.headers)?;
        check_scopes(&context, route)?;
        let path = routes::fill(route.path, &parameters);
        let answer = if let Action::Media(_) = route.action {
            body::refuse_encoded(&parts.headers)?;
            media::stream(&self.outside, &call(parts, parameters, Bytes::new(), context), &path, body).await?
        } else {
            seen.body = body::read(&parts.method, &parts.headers, body).await?;
            self.act(route, &call(parts, parameters, seen.body.clone(), context)).await?
        };
        finish::located(route, &path, answer).await
    }

    async fn act(&self, route: &Route, call: &Call<'_>) -> Result<Response<Body>, Problem> {
        let answer = self.answer(route, call).await;
        match (answer, route.action) {
            (Err(refusal), Action::ApiKeys(_) | Action::Tenants(_) | Action::Users(_)) => {
                routes::first_own_answer_or(&self.outside, call, refusal).await
            }
            (answer, _) => answer,
        }
    }

    async fn answer(&self, route: &Route, call: &Call<'_>) -> Result<Response<Body>, Problem> {
        let outside = &self.outside;
        match route.action {
            Action::Forward(service) => {
                crate::forward::forward(outside, call, service, &routes::fill(route.path, &call.parameters)).await
            }
            Action::GetConversation => conversations::get(outside, call).await,
            Action::GetCustomer => customers::get(outside, call).await,
            Action::ListConversations => conversations::list(outside, call).await,
            Action::ListCustomerConversations => conversations::list_of_customer(outside, call).await,
            Action::CreateConversation => conversations::create(outside, call).await,
            Action::ConversationDetails => conversations::details(outside, call).await,
            Action::ListMessages => conversations::list_messages(outside, call).await,
            Action::Reply => inbox::reply(outside, call).await,
            Action::MarkRead => inbox::mark_read(outside, call).await,
            Action::AddParticipant => inbox::add_participant(outside, call).await,
            Action::CreateMessage => messages::create(outside, call).await,
            Action::ChangeMessage => messages::change(outside, call).await,
            Action::ApiKeys(what) => api_keys::act(outside, call, what).await,
            Action::Tenants(what) => tenants::act(outside, call, what).await,
            Action::Users(what) => users::act(outside, call, what).await,
            Action::Channels => channels::act(outside, call, &routes::fill(route.path, &call.parameters)).await,
            Action::Logs(what) => routes::logs::act(outside, call, what).await,
            Action::Services(what) => routes::services::act(outside, call, what).await,
            Action::DeadLetters(what) => routes::dead_letters::act(outside, call, what).await,
            Action::Telemetry(what) => routes::telemetry::act(outside, call, what).await,
            // Answered before anybody is authenticated, and before a body is read.
            Action::OAuth(_) | Action::Media(_) => Err(Problem::not_found("path")),
        }
    }

    /// Notes the request and its answer. Of answers only descriptions of errors are kept: the others stream, and are data.
    async fn logged(
        &self,
        answer: Response<Body>,
        parts: &Parts,
        trace: &Trace,
        seen: Seen,
        started: Micros,
    ) -> Response<Body> {
        let (answer, said) = if answer.status().as_u16() >= 400 { heard(answer).await } else { (answer, Bytes::new()) };
        let (tenant, principal) = seen.caller.map_or((STRANGERS.to_owned(), None), |c| (c.tenant, Some(c.principal)));
        let address = credentials::address(&parts.headers);
        // A stranger's path and query may be anything, also a credential.
        let query = parts.uri.query().filter(|_| principal.is_some());
        let Readable { query: query_params, asked: request_body, said: response_body } =
            redact::readable(&self.outside, query, &seen.body, &said).await;
        let entry = Entry {
            tenant,
            id: ids::new(),
            method: parts.method.to_string(),
            path: seen.path.unwrap_or_else(|| API_PREFIX.to_owned()),
            query_params,
            request_body,
            response_body,
            status: answer.status().as_u16(),
            duration_ms: (self.outside.now() - started) / 1000,
            ip_address: (!address.is_empty()).then(|| address.to_owned()),
            principal,
            request_id: trace.request_id.clone(),
            trace_id: trace.trace_id().to_owned(),
            created_at: started,
        };
        self.logs.add(&self.outside, entry);
        answer
    }
}

/// An error's description, and the answer with it still in.
async fn heard(answer: Response<Body>) -> (Response<Body>, Bytes) {
    let (mut parts, body) = answer.into_parts();
    let said = Limited::new(body, MAX_ERROR_BYTES).collect().await.map(|body| body.to_bytes());
    let said = said.unwrap_or_else(|_| {
        // What was promised cannot be kept, so nothing is promised.
        parts.headers.remove(CONTENT_LENGTH);
        Bytes::new()
    });
    (Response::from_parts(parts, buffered(said.clone())), said)
}

fn check_scopes(context: &Context, route: &Route) -> Result<(), Problem> {
    let may = route.scopes.iter().all(|scope| context.allows(scope));
    if may { Ok(()) } else { Err(problem::insufficient_scope(route.scopes)) }
}

fn told(problem: Problem, path: &str, trace: &Trace) -> Response<Body> {
    let context = Context { request_id: trace.request_id.clone(), ..Context::default() };
    whole(problem.into_response(&context, path))
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
