//! The service's surroundings in the component, and the work behind its answers.

use std::{cell::RefCell, collections::HashMap, time::Duration};

use sdk::{
    Context, Response, SystemClock, config, log,
    outgoing::{self, Failure, Outgoing},
    service::Service,
    sql::{Database, Spin},
};

use crate::{
    app::{App, World},
    persona,
    store::MIGRATIONS,
};

/// A page of a hundred messages, or the longest answer of a language model that is of use.
const ANSWER_LIMIT_BYTES: usize = 4 << 20;

pub type Live = App<Spin, Host>;

#[derive(Default)]
pub struct Host {
    /// Read once: a deployment's variables outlive its instances.
    settings: RefCell<HashMap<String, Option<String>>>,
}

impl Live {
    pub fn live() -> Self {
        Self::new(Database::new(Spin::new("chat-simulator"), MIGRATIONS), SystemClock, Host::default())
    }
}

impl World for Host {
    async fn send(&self, request: Outgoing, patience: Duration) -> Result<Response, Failure> {
        outgoing::send(request, patience, ANSWER_LIMIT_BYTES).await
    }

    async fn setting(&self, name: &str) -> Option<String> {
        if let Some(value) = self.settings.borrow().get(name) {
            return value.clone();
        }
        let value = config::optional(name).await.ok().flatten();
        self.settings.borrow_mut().insert(name.to_owned(), value.clone());
        value
    }

    async fn sleep(&self, time: Duration) {
        spin_sdk::time::sleep(time).await;
    }
}

impl Service for Live {
    fn after_call(&'static self, _wrote: bool) {
        if self.is_due.replace(false) {
            wit_bindgen::spawn(self.round());
        }
    }

    /// Answered at once: the platform waits for one tick before it sends the next.
    async fn tick(&'static self) -> bool {
        self.is_due.set(self.is_on().await);
        true
    }
}

impl Live {
    async fn round(&self) {
        if let Err(error) = persona::round(self).await {
            log::warn(&Context::default(), "simulated customers wait for the next tick", &[("error", &error)]);
        }
    }
}
