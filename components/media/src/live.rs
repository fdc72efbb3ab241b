//! The service's surroundings in the component.

use std::{cell::RefCell, collections::HashMap};

use sdk::{
    Context, SystemClock, config, log,
    sql::{Database, Spin},
};

use crate::{
    app::{App, Platform},
    store::MIGRATIONS,
};

pub type Live = App<Spin, Host>;

#[derive(Default)]
pub struct Host {
    /// Read once: a deployment's variables outlive its instances.
    settings: RefCell<HashMap<String, Option<String>>>,
}

impl Live {
    pub fn live() -> Self {
        Self::new(Database::new(Spin::new("media"), MIGRATIONS), SystemClock, Host::default())
    }
}

impl Platform for Host {
    async fn setting(&self, name: &str) -> Option<String> {
        if let Some(value) = self.settings.borrow().get(name) {
            return value.clone();
        }
        let value = config::optional(name).await.unwrap_or_else(|error| {
            log::error(&Context::default(), "a variable counts as not set", &[("reason", &error)]);
            None
        });
        self.settings.borrow_mut().insert(name.to_owned(), value.clone());
        value
    }
}
