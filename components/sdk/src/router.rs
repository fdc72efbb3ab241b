//! Method and path to handler; every problem, unknown path and wrong method becomes one kind of answer.

use std::{future::Future, pin::Pin};

use ::http::Method;

use crate::{Context, Problem, Request, Response, http::with_request_id, query::percent_decode};

pub type Outcome = Result<Response, Problem>;

/// Routes of a service. Where two match, the one registered first wins: put literals before parameters.
pub struct Router<A> {
    trusts_headers: bool,
    routes: Vec<Route<A>>,
    health: Option<Box<dyn Handle<A>>>,
}

struct Route<A> {
    method: Method,
    pattern: &'static str,
    asked_by: By,
    handler: Box<dyn Handle<A>>,
}

/// Who asks for a route, which says what is believed of its headers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// Whoever the router is for.
    Callers,
    /// The platform, for no tenant in particular.
    Platform,
    /// Other components, for a tenant.
    Components,
}

/// An `async fn(&App, Request) -> Outcome`, with its future boxed.
trait Handle<A> {
    fn call<'a>(&'a self, app: &'a A, request: Request) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;
}

impl<A, F: AsyncFn(&A, Request) -> Outcome> Handle<A> for F {
    fn call<'a>(&'a self, app: &'a A, request: Request) -> Pin<Box<dyn Future<Output = Outcome> + 'a>> {
        Box::pin(self(app, request))
    }
}

impl<A> Router<A> {
    /// For a component without public routes: tenant, principal and scopes come from the gateway's headers, and a request
    /// without a tenant is refused. Answers `GET /health` itself, touching nothing, unless [`Self::health`] has something to say.
    pub fn internal() -> Self {
        Self { trusts_headers: true, routes: Vec::new(), health: None }
    }

    /// For a component that anyone can reach: the context holds a request id and a trace, nothing else.
    pub fn public() -> Self {
        Self { trusts_headers: false, routes: Vec::new(), health: None }
    }

    /// What `GET /health` of a component without public routes answers: see [`Checks`](crate::health::Checks).
    #[must_use]
    pub fn health(self, handler: impl AsyncFn(&A, Request) -> Outcome + 'static) -> Self {
        Self { health: Some(Box::new(handler)), ..self }
    }

    #[must_use]
    pub fn get(self, path: &'static str, handler: impl AsyncFn(&A, Request) -> Outcome + 'static) -> Self {
        self.route(Method::GET, path, handler)
    }

    #[must_use]
    pub fn post(self, path: &'static str, handler: impl AsyncFn(&A, Request) -> Outcome + 'static) -> Self {
        self.route(Method::POST, path, handler)
    }

    #[must_use]
    pub fn put(self, path: &'static str, handler: impl AsyncFn(&A, Request) -> Outcome + 'static) -> Self {
        self.route(Method::PUT, path, handler)
    }

    #[must_use]
    pub fn patch(self, path: &'static str, handler: impl AsyncFn(&A, Request) -> Outcome + 'static) -> Self {
        self.route(Method::PATCH, path, handler)
    }

    #[must_use]
    pub fn delete(self, path: &'static str, handler: impl AsyncFn(&A, Request) -> Outcome + 'static) -> Self {
        self.route(Method::DELETE, path, handler)
    }

    /// `path` is literal segments and `:name` parameters; a last `*name` takes the rest, slashes included.
    #[must_use]
    pub fn route(
        mut self,
        method: Method,
        pattern: &'static str,
        handler: impl AsyncFn(&A, Request) -> Outcome + 'static,
    ) -> Self {
        self.routes.push(Route { method, pattern, asked_by: By::Callers, handler: Box::new(handler) });
        self
    }

    /// What other components ask of a component that has public routes elsewhere: here the gateway's headers are believed, and a
    /// request without a tenant is refused. Its manifest must give it no public route that leads there; a test of the component's
    /// reads the manifest for it.
    #[must_use]
    pub fn private(
        mut self,
        method: Method,
        pattern: &'static str,
        handler: impl AsyncFn(&A, Request) -> Outcome + 'static,
    ) -> Self {
        self.routes.push(Route { method, pattern, asked_by: By::Components, handler: Box::new(handler) });
        self
    }

    /// What the platform POSTs, without a tenant: `/events` (read it with [`Incoming::of`](crate::event::Incoming::of)) and
    /// `/internal/…`. The host refuses to start when a public route leads there.
    #[must_use]
    pub fn platform(self, pattern: &'static str, handler: impl AsyncFn(&A, Request) -> Outcome + 'static) -> Self {
        self.tenantless(Method::POST, pattern, handler)
    }

    /// What is asked without a tenant by whoever may reach the component: the handler decides whose it is.
    #[must_use]
    pub fn tenantless(
        mut self,
        method: Method,
        pattern: &'static str,
        handler: impl AsyncFn(&A, Request) -> Outcome + 'static,
    ) -> Self {
        self.routes.push(Route { method, pattern, asked_by: By::Platform, handler: Box::new(handler) });
        self
    }

    /// Whether there is a route of the platform's of this pattern.
    pub fn has_platform(&self, pattern: &str) -> bool {
        self.routes.iter().any(|route| route.asked_by == By::Platform && route.pattern == pattern)
    }

    /// Answers the request; what fails is answered as a problem. Every answer carries the request id.
    pub async fn handle(&self, app: &A, mut request: Request) -> Response {
        request.context = match self.trusts_headers {
            true => Context::trusting(&request.headers),
            false => Context::anonymous(&request.headers),
        };
        let (context, path) = (request.context.clone(), request.path.clone());
        let is_head = request.method == Method::HEAD;
        let outcome = self.dispatch(app, request).await;
        let mut response = outcome.unwrap_or_else(|problem| problem.into_response(&context, &path));
        if is_head {
            response.body_mut().clear();
        }
        with_request_id(response, &context)
    }

    async fn dispatch(&self, app: &A, mut request: Request) -> Outcome {
        if self.trusts_headers && request.path == "/health" {
            return match &self.health {
                Some(health) => health.call(app, request).await,
                None => crate::health::Checks::default().outcome(),
            };
        }
        let wanted = if request.method == Method::HEAD { Method::GET } else { request.method.clone() };
        let mut allowed = Vec::new();
        for route in &self.routes {
            let Some(params) = matches(route.pattern, &request.path) else { continue };
            if route.method != wanted {
                allowed.push(route.method.as_str());
                continue;
            }
            if route.asked_by == By::Components {
                let request_id = std::mem::take(&mut request.context.request_id);
                request.context = Context { request_id, ..Context::trusting(&request.headers) };
            }
            let needs_tenant = match route.asked_by {
                By::Callers => self.trusts_headers,
                By::Platform => false,
                By::Components => true,
            };
            if needs_tenant && request.context.tenant.is_empty() {
                return Err(Problem::unauthenticated("this is reached through the gateway"));
            }
            request.params = params;
            return route.handler.call(app, request).await;
        }
        match allowed.is_empty() {
            true => Err(Problem::not_found("resource")),
            false => Err(Problem::method_not_allowed(&allowed.join(", "))),
        }
    }
}

/// The parameters when the path fits. One trailing slash is forgiven; escapes that are no UTF-8 fit nothing.
fn matches(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/');
    let mut params = Vec::new();
    for part in pattern.strip_prefix('/').unwrap_or(pattern).split('/') {
        if let Some(name) = part.strip_prefix('*') {
            params.push((name, segments.collect::<Vec<_>>().join("/")));
            return Some(params);
        }
        let segment = segments.next()?;
        match part.strip_prefix(':') {
            Some(name) if !segment.is_empty() => params.push((name, percent_decode(segment)?)),
            None if part == segment => {}
            _ => return None,
        }
    }
    segments.next().is_none().then_some(params)
}
