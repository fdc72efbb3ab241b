//! A routed request on its way to its component: its body, its place, the call, and the answer's way back.

use crate::answers::{self, Asked};
use crate::client::Client;
use crate::compression::{Compression, Wish};
use crate::drain::Drained;
use crate::headers;
use crate::intake::{self, Arrived, Arriving, Plan, Table};
use crate::memory::{Memory, Owner};
use crate::outgoing;
use crate::places::{Claim, Places, Shares};
use crate::router::{Destination, Match};
use crate::rules::Rules;
use crate::site::Site;
use crate::sweep;
use crate::traced;
use http::{Request, Response, Uri};
use kobliat_engine::{Body, CallContext, HttpFailure, Room, Target, pause, trace};
use kobliat_telemetry::{SpanKind, Trace, Tracer};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

pub(crate) struct Dispatch {
    tracer: Arc<Tracer>,
    rules: Rules,
    memory: Arc<Memory>,
    /// Requests that wait for their bodies.
    bodies: Arc<Table>,
    /// `None` where the deployment wants none.
    compression: Option<Compression>,
    /// By component. They outlive a manifest that changes, as the requests do.
    places: RwLock<HashMap<Arc<str>, Arc<Places>>>,
}

/// What is known of a request beside its parts.
pub(crate) struct Call<'a> {
    pub target: &'a Arc<Target>,
    pub found: &'a Match<'a>,
    pub uri: Uri,
    pub client: &'a Client,
    pub asked: Asked<'a>,
    /// Bytes of the head.
    pub head: usize,
    /// The client sends its body when it is told to.
    pub client_waits: bool,
}

impl Dispatch {
    pub fn new(tracer: Arc<Tracer>, rules: Rules) -> Self {
        let memory = Memory::new(rules.memory);
        let compression = rules.compression.then(Compression::new);
        Self { tracer, rules, memory, bodies: Arc::default(), compression, places: RwLock::default() }
    }

    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    pub async fn call(&self, call: Call<'_>, request: Request<Drained>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let client = call.client.of_request(&parts.headers, &self.rules.proxies);
        headers::strip_external(&mut parts.headers);
        headers::add_external(&mut parts.headers, call.found, &call.uri, client.header.clone());
        let route = &call.found.entry.route.raw;
        let said = trace::of(&parts.headers);
        let mut span = self.tracer.begin(said, SpanKind::Server, || format!("{} {route}", parts.method));
        traced::describe(&mut span, &parts.method, &call.uri, route, client.address);
        trace::tell(&span, &mut parts.headers);
        parts.uri = call.uri.clone();
        let response = self.answer(&call, &client, span.trace(), parts, body).await;
        traced::answered(span, response)
    }

    async fn answer(
        &self,
        call: &Call<'_>,
        client: &Client,
        trace: Trace,
        mut parts: http::request::Parts,
        body: Drained,
    ) -> Response<Body> {
        let (target, asked) = (call.target, call.asked);
        let Some(room) = target.room() else { return answers::failure(target, asked, &HttpFailure::Stopped) };
        let owner = Owner { client: client.whose.client, component: Arc::clone(target.component()) };
        let arrived = match self.arrive(call, client, &room, owner.clone(), body).await {
            Ok(arrived) => arrived,
            Err(response) => return response,
        };
        let context = CallContext::external(target.timeout(), asked.request_id).in_trace(trace);
        let claim = match self.place(target, client, &room, &context).await {
            Ok(claim) => claim,
            Err(failure) => {
                target.turned_away(&failure);
                return answers::failure(target, asked, &failure);
            }
        };
        let body = Arriving::body(arrived, claim.hold());
        let wish = self.compression.as_ref().map(|_| Wish::of(&parts.method, &mut parts.headers));
        let answer = target.http(context, Request::from_parts(parts, body)).await;
        // What the component makes of a body that broke off is not what happened.
        if claim.hold().is_cut() {
            return answers::too_slow(asked);
        }
        match answer {
            Ok(response) => {
                let response = match (&self.compression, wish) {
                    (Some(compression), Some(wish)) => compression.apply(&wish, response).await,
                    _ => response,
                };
                outgoing::hold(response, claim, self.memory.lease(owner))
            }
            Err(failure) => answers::failure(target, asked, &failure),
        }
    }

    async fn arrive(
        &self,
        call: &Call<'_>,
        client: &Client,
        room: &Room,
        owner: Owner,
        body: Drained,
    ) -> Result<Arrived, Response<Body>> {
        if http_body::Body::is_end_stream(&body) {
            return Ok(Arrived::default());
        }
        let plan = Plan {
            table: &self.bodies,
            memory: &self.memory,
            rules: &self.rules,
            socket: &client.socket,
            room,
            owner,
            head: call.head,
            client_waits: call.client_waits,
        };
        let arrived = intake::read(body, &plan).await;
        arrived.map_err(|failure| {
            if matches!(failure, intake::Failure::TooLarge) {
                call.target.turned_away(&HttpFailure::BodyTooLarge);
            }
            answers::no_body(call.target, call.asked, &failure)
        })
    }

    async fn place(
        &self,
        target: &Target,
        client: &Client,
        room: &Room,
        context: &CallContext,
    ) -> Result<Claim, HttpFailure> {
        let places = self.places_of(target);
        let claim = places.claim(client.whose, &client.socket, Shares::of(room, &self.rules));
        match pause::timeout_at(context.deadline, claim).await {
            Ok(Ok(claim)) => Ok(claim),
            Ok(Err(_full)) => Err(HttpFailure::Overloaded),
            Err(_elapsed) => Err(HttpFailure::Timeout),
        }
    }

    fn places_of(&self, target: &Target) -> Arc<Places> {
        let known = self.places.read().unwrap_or_else(PoisonError::into_inner).get(target.component()).cloned();
        known.unwrap_or_else(|| {
            let mut places = self.places.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(places.entry(Arc::clone(target.component())).or_default())
        })
    }

    /// Looks after slow clients, for ever.
    pub async fn watch_clients(&self, site: &Site) {
        loop {
            tokio::time::sleep(sweep::EVERY).await;
            let served = site.now();
            let places: Vec<_> = {
                let places = self.places.read().unwrap_or_else(PoisonError::into_inner);
                places.iter().map(|(id, places)| (Arc::clone(id), Arc::clone(places))).collect()
            };
            for (id, places) in places {
                let targets = served.router.entries().iter().filter_map(|entry| match &entry.destination {
                    Destination::Component(target) => Some(target),
                    Destination::Static(_) => None,
                });
                let target = targets.into_iter().find(|target| *target.component() == id);
                sweep::sweep(&places, target.map_or(0, |target| target.waiting()), &self.rules);
            }
        }
    }
}
