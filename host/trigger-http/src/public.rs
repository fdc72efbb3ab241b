//! A component's requests to the application's own public routes (`http://self.alt/…`): routed as from outside, in process.

use crate::answers::{Asked, problem, static_response};
use crate::headers;
use crate::router::Destination;
use crate::site::Site;
use http::{HeaderValue, Request, Response, StatusCode};
use kobliat_engine::{Body, CallContext, HttpFailure};
use std::sync::Arc;

/// There is no connection whose address could be told.
const NO_CLIENT: HeaderValue = HeaderValue::from_static("0.0.0.0:0");

/// The public routes, seen from inside.
pub struct PublicRoutes(Arc<Site>);

impl PublicRoutes {
    pub fn new(site: Arc<Site>) -> Self {
        Self(site)
    }

    /// Answers as the listener would. What only the gateway may say is forged here, too: public routes are public.
    pub async fn request(
        self: Arc<Self>,
        caller: CallContext,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, HttpFailure> {
        let uri = request.uri().clone();
        let served = self.0.now();
        let Some(found) = served.router.find(uri.path()) else {
            let asked = Asked { request_id: &caller.request_id, path: uri.path() };
            return Ok(problem(StatusCode::NOT_FOUND, "no component has a route for this path", asked));
        };
        let target = match &found.entry.destination {
            Destination::Static(response) => return Ok(static_response(response)),
            Destination::Component(target) => Arc::clone(target),
        };
        let context = target.nested_context(&caller)?;
        headers::strip_external(request.headers_mut());
        headers::add_external(request.headers_mut(), &found, &uri, NO_CLIENT);
        drop(found);
        target.http(context, request).await
    }
}
