//! One authenticated request, and the context in which everything is done on its behalf.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};

use crate::auth::Caller;
use crate::routes::Service;
use crate::trace::Trace;
use sdk::context::IDEMPOTENCY_KEY;
use sdk::{Context, Problem, idempotency, log};

/// How long a service may take for one typed call, in milliseconds. Long enough for a page of 100 on a busy machine;
/// short enough that a client with the usual 10 s is still there to read which part is missing.
pub const CALL_DEADLINE_MS: u32 = 5_000;

pub struct Call<'a> {
    pub method: &'a Method,
    /// As the client asked for it; problems repeat it.
    pub public_path: &'a str,
    pub query: &'a str,
    /// The values of the route's parameters, in its order.
    pub parameters: Vec<&'a str>,
    pub headers: &'a HeaderMap,
    /// Within the limit, UTF-8, and empty where the method has none.
    pub body: Bytes,
    /// Who asks, under which request id; with the client's idempotency key, if it sent one.
    pub context: Context,
    /// What the gateway has to say to the service besides: headers that no client can send.
    pub aside: Vec<(&'static str, HeaderValue)>,
}

impl Call<'_> {
    /// The same request with another body.
    pub fn with_body(&self, body: Bytes) -> Self {
        let (parameters, context, aside) = (self.parameters.clone(), self.context.clone(), self.aside.clone());
        Self { parameters, body, context, aside, ..*self }
    }

    /// The same request with one thing more to say.
    pub fn saying(&self, name: &'static str, value: &'static str) -> Self {
        let mut call = self.with_body(self.body.clone());
        call.aside.push((name, HeaderValue::from_static(value)));
        call
    }

    /// For the typed calls from here: they read, or touch with arguments that identify the effect. The client's
    /// idempotency key protects what it creates, and creations are forwarded whole with the key as a header.
    pub fn typed_context(&self) -> Context {
        Context { idempotency_key: String::new(), ..self.context.clone() }
    }

    /// The route's `{id}`, in lower case as ids are stored.
    pub fn id(&self) -> String {
        self.parameters.first().map(|id| id.to_ascii_lowercase()).unwrap_or_default()
    }

    pub fn log_failure(&self, service: Service, reason: &str) {
        log::warn(&self.context, "a service failed", &[("service", &service.id()), ("reason", &reason)]);
    }
}

pub fn call<'a>(parts: &'a http::request::Parts, parameters: Vec<&'a str>, body: Bytes, context: Context) -> Call<'a> {
    Call {
        method: &parts.method,
        public_path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        parameters,
        headers: &parts.headers,
        body,
        context,
        aside: Vec::new(),
    }
}

/// Who asks, as services are told.
pub fn context(caller: &Caller, trace: &Trace, headers: &HeaderMap) -> Result<Context, Problem> {
    // A key that cannot be passed on must not be dropped: its sender relies on it.
    let bad_key = || Problem::unreadable("Idempotency-Key must be one value of visible ASCII characters");
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let key = keys.next().map(|key| key.to_str().map_err(|_| bad_key())).transpose()?.unwrap_or_default();
    if keys.next().is_some() {
        return Err(bad_key());
    }
    idempotency::bare(key.trim())?;
    Ok(Context {
        tenant: caller.tenant.clone(),
        principal: caller.principal.clone(),
        scopes: caller.scopes.clone(),
        request_id: trace.request_id.clone(),
        traceparent: trace.traceparent.clone(),
        deadline_ms: CALL_DEADLINE_MS,
        idempotency_key: key.trim().to_owned(),
        extensions: Vec::new(),
    })
}
