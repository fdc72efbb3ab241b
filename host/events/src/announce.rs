//! What the host itself has to say, in its own name: `source` is `/host`.

use crate::broker::Broker;
use crate::clock::{rfc3339, wall_now};
use crate::engine::EngineError;
use crate::event::Event;
use bytes::Bytes;
use uuid::Uuid;

/// The tenant of the people who run the host.
const TENANT: &str = "default";

impl Broker {
    /// Stores an event about `subject`, which is its partition key, too. However much waits: it is told once, and few of them come.
    pub async fn announce(&self, kind: &str, subject: &str, data: Bytes) -> Result<(), EngineError> {
        let attributes = [
            ("id", Uuid::now_v7().to_string()),
            ("source", "/host".to_owned()),
            ("type", kind.to_owned()),
            ("subject", subject.to_owned()),
            ("tenant", TENANT.to_owned()),
            ("partitionkey", subject.to_owned()),
            ("time", rfc3339(wall_now())),
            ("datacontenttype", "application/json".to_owned()),
        ];
        let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value));
        let event = Event::new(attributes.collect(), data).expect("an announcement has a kind and a subject");
        let publication = self.route(event);
        let concerned = publication.subscriptions.clone();
        self.engine.publish(self.clock.now(), vec![publication]).await?;
        self.wake(|subscriber| concerned.contains(&subscriber.subscription.component));
        Ok(())
    }
}
