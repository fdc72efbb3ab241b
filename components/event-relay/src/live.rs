//! The relay's surroundings in the component: subscribers by HTTP in process, the variable of the deployment.

use std::time::Duration;

use http::{HeaderName, Method};
use sdk::{
    config, context,
    event::Incoming,
    outgoing::{self, Outgoing},
    service::Service,
};

use crate::{
    http::Platform,
    relay::{Deliver, Said},
    subscribers::Subscriber,
};

/// Less than the outbox waits for a batch, so that it hears why.
const TIMEOUT: Duration = Duration::from_secs(5);
const ANSWER_LIMIT_BYTES: usize = 4 << 10;

pub struct Live;

impl Service for Live {
    /// The outbox sends 512 KiB at most, or one event of 1 MiB.
    const BODY_LIMIT_BYTES: usize = 2 << 20;
}

impl Deliver for Live {
    async fn deliver(&self, subscriber: &Subscriber, event: &Incoming) -> Said {
        let mut request = Outgoing::new(Method::POST, &subscriber.url(), event.data.get().as_bytes().to_vec());
        request.headers.extend(event.headers());
        request.header(HeaderName::from_static(context::TENANT), event.tenant());
        request.header(HeaderName::from_static(context::REQUEST_ID), event.id());
        request.header(HeaderName::from_static(context::TRACEPARENT), event.attribute("traceparent"));
        match outgoing::send(request, TIMEOUT, ANSWER_LIMIT_BYTES).await {
            Ok(answer) => Said::Status(answer.status().as_u16()),
            Err(failure) => Said::Nothing(failure.to_string()),
        }
    }
}

impl Platform for Live {
    async fn subscribers(&self) -> Result<String, String> {
        config::required("event_subscribers").await.map_err(|error| error.to_string())
    }
}
