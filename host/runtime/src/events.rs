//! The event broker in the platform: which component subscribes, how it is reached, and `http://events.kobliat.internal/`.

use crate::error::StartError;
use crate::instances::Targets;
use crate::lifecycle::OnRollback;
use crate::live::Live;
use crate::platform_config::{Events as Config, EventsEngine};
use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use kobliat_engine::{Body, CallContext, HttpFailure, PlatformAnswer, PlatformHost, pause, trace};
use kobliat_events::clock::Clock;
use kobliat_events::engine::Engine;
use kobliat_events::{Broker, Handler, Interest, Schedule, SqliteEngine, Subscription, Undelivered};
use kobliat_factor_variables::Resolver;
use kobliat_manifest::{Component, Manifest, Template};
use kobliat_telemetry::{Span, SpanKind, Tracer};
use kobliat_trigger_http::headers;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::TaskTracker;
use tracing::warn;

/// The name of the broker's host.
pub const HOST: &str = "events";

/// A new version failed, and the one before it runs again.
const ROLLED_BACK: &str = "com.kobliat.platform.component.rolled-back.v1";

/// The application variable that says how soon a failed delivery is tried again.
const FIRST_RETRY: &str = "event_first_retry_ms";
const DEFAULT_FIRST_RETRY: Duration = Duration::from_secs(10);

/// An answer's beginning, in which its reason is.
const MAX_ANSWER: usize = 4 << 10;

/// What is read of an answer before nobody waits for its end.
const MAX_READ: usize = 1 << 20;

/// The broker, when the application has a use for it, or has left events behind.
pub async fn open(
    manifest: &Manifest,
    config: &Config,
    resolver: &Resolver,
    targets: &Targets,
    state_dir: &Path,
) -> Result<Option<Arc<Broker>>, StartError> {
    let path = state_dir.join("events.db");
    let subscriptions = subscriptions(manifest, resolver, targets)?;
    if subscriptions.is_empty() && publisher(manifest).is_none() && !path.exists() {
        return Ok(None);
    }
    let clock = Clock::start();
    let failed = |error| StartError::because(format_args!("open the events `{}`", path.display()), error);
    let engine: Arc<dyn Engine> = match config.engine {
        EventsEngine::Sqlite => {
            let opened = SqliteEngine::open_bounded(&path, clock.now(), config.max_file_bytes()).await;
            Arc::new(opened.map_err(failed)?)
        }
    };
    Ok(Some(Broker::new(engine, clock, subscriptions, config.options()).await.map_err(failed)?))
}

/// A component that may publish.
pub fn publisher(manifest: &Manifest) -> Option<&Component> {
    manifest.components.values().find(|component| component.allowed_outbound_hosts.iter().any(names_the_broker))
}

fn names_the_broker(host: &Template) -> bool {
    host.literal().is_some_and(|host| host.contains("events.kobliat.internal"))
}

fn subscriptions(manifest: &Manifest, resolver: &Resolver, targets: &Targets) -> Result<Vec<Subscription>, StartError> {
    let default = Schedule::from_first(first_retry(manifest, resolver)?);
    let (mut subscriptions, mut problems) = (Vec::new(), Vec::new());
    for (id, component) in &manifest.components {
        if component.kobliat.subscribe.is_empty() {
            continue;
        }
        if !targets.http.contains_key(id) {
            problems.push(format!(
                "[component.{id}.tool.kobliat] `subscribe`: events come by HTTP, and the component has no trigger; add \
                 `[[trigger.http]]` with `route = {{ private = true }}` and `component = \"{id}\"`"
            ));
        }
        let interest = |interest: &kobliat_manifest::Interest| Interest {
            pattern: interest.pattern.clone(),
            schedule: interest.retry.clone().map_or_else(|| default.clone(), Schedule::new),
        };
        let interests = component.kobliat.subscribe.iter().map(interest).collect();
        subscriptions.push(Subscription { component: id.clone(), interests });
    }
    StartError::from_all(problems)?;
    Ok(subscriptions)
}

pub fn first_retry(manifest: &Manifest, resolver: &Resolver) -> Result<Duration, StartError> {
    if !manifest.variables.contains_key(FIRST_RETRY) {
        return Ok(DEFAULT_FIRST_RETRY);
    }
    let template = Template::parse(&format!("{{{{ {FIRST_RETRY} }}}}")).map_err(StartError::new)?;
    let value = resolver.expand(&template);
    match value.trim().parse::<u64>() {
        Ok(milliseconds) if (1..=86_400_000).contains(&milliseconds) => Ok(Duration::from_millis(milliseconds)),
        _ => Err(StartError::new(format!(
            "the variable `{FIRST_RETRY}` is `{value}`; write milliseconds as a whole number from 1 to 86400000"
        ))),
    }
}

/// What the lifecycle calls when it took a version back: an event that somebody may subscribe to.
pub fn tell_rollbacks(broker: &Arc<Broker>, tasks: &TaskTracker) -> OnRollback {
    let (broker, tasks) = (Arc::clone(broker), tasks.clone());
    Box::new(move |told| {
        let (broker, component) =
            (Arc::clone(&broker), told.get("component").and_then(|id| id.as_str()).unwrap_or_default().to_owned());
        tasks.spawn(async move {
            let announced = broker.announce(ROLLED_BACK, &component, Bytes::from(told.to_string())).await;
            if let Err(error) = announced {
                warn!(%component, "that component `{component}` was rolled back could not be told as an event: {error}");
            }
        });
    })
}

/// `http://events.kobliat.internal/`
pub struct EventsHost(pub Arc<Broker>);

impl PlatformHost for EventsHost {
    fn request(&self, component: &str, caller: CallContext, request: Request<Body>) -> PlatformAnswer {
        let (broker, component) = (Arc::clone(&self.0), component.to_owned());
        Box::pin(async move {
            let answer = pause::timeout_at(caller.deadline, broker.intake(&component, request));
            let answer = answer.await.map_err(|_elapsed| HttpFailure::Timeout)?;
            Ok(answer.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync()))
        })
    }
}

/// Reaches subscribers as the host reaches components: in process, on private routes.
pub struct Deliveries {
    pub live: Arc<Live>,
    pub tracer: Arc<Tracer>,
}

impl Handler for Deliveries {
    fn deliver<'a>(
        &'a self,
        component: &'a str,
        request: Request<Bytes>,
    ) -> BoxFuture<'a, Result<Response<Bytes>, Undelivered>> {
        Box::pin(async move {
            let targets = self.live.targets();
            let target = targets.http.get(component).ok_or(Undelivered::Stopped)?;
            let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
            let mut span = self.span(component, &request);
            let context = CallContext::external(target.timeout(), id).in_trace(span.trace());
            let deadline = context.deadline;
            let mut request = request.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync());
            let uri = request.uri().clone();
            headers::add_internal(request.headers_mut(), &uri);
            trace::tell(&span, request.headers_mut());
            let answer = target.http(context, request).await.inspect_err(|failure| span.fail(failure));
            let answer = answer.map_err(undelivered)?;
            span.set("http.response.status_code", answer.status().as_u16());
            if !answer.status().is_success() {
                span.fail(answer.status());
            }
            let (head, body) = answer.into_parts();
            match pause::timeout_at(deadline, beginning(body)).await {
                Ok(Some(beginning)) => Ok(Response::from_parts(head, beginning)),
                Ok(None) => Err(Undelivered::Failed("the instance crashed during its answer".to_owned())),
                Err(_elapsed) => Err(Undelivered::Failed("the component did not finish its answer in time".to_owned())),
            }
        })
    }
}

impl Deliveries {
    fn span<B>(&self, component: &str, request: &Request<B>) -> Span {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let said = trace::of(request.headers());
        let mut span = self.tracer.begin(said, SpanKind::Consumer, || format!("deliver {}", header("ce-type")));
        if span.is_recorded() {
            span.set("messaging.system", "kobliat");
            span.set("messaging.operation.type", "process");
            span.set("messaging.destination.name", component);
            span.set("messaging.message.id", header("ce-id"));
            span.set("kobliat.attempt", header("kobliat-attempt"));
        }
        span
    }
}

/// The beginning of a body that is read to its end; `None` when it breaks off.
async fn beginning(mut body: Body) -> Option<Bytes> {
    let (mut kept, mut read) = (BytesMut::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.ok()?.into_data() else { continue };
        read += data.len();
        kept.extend(data.iter().take(MAX_ANSWER.saturating_sub(kept.len())));
        if read > MAX_READ {
            break;
        }
    }
    Some(kept.freeze())
}

fn undelivered(failure: HttpFailure) -> Undelivered {
    match failure {
        HttpFailure::Stopped => Undelivered::Stopped,
        HttpFailure::Overloaded => Undelivered::Busy,
        other => Undelivered::Failed(other.to_string()),
    }
}

/// The store is closed last: until then guests may publish.
pub async fn close(broker: Option<Arc<Broker>>, drain: Duration) {
    let Some(broker) = broker else { return };
    if tokio::time::timeout(drain, broker.close()).await.is_err() {
        warn!("the events' store did not close in time; what was acknowledged is on disk");
    }
}
