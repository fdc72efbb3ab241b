//! The service's surroundings in the component.

use sdk::{
    SystemClock,
    config::Settings,
    sql::{Database, Spin},
};

use crate::{
    app::{App, Platform},
    store::MIGRATIONS,
};

pub type Live = App<Spin, Host>;

#[derive(Default)]
pub struct Host {
    settings: Settings,
}

impl Live {
    pub fn live() -> Self {
        Self::new(Database::new(Spin::new("media"), MIGRATIONS), SystemClock, Host::default())
    }
}

impl Platform for Host {
    async fn setting(&self, name: &str) -> Option<String> {
        self.settings.get(name).await
    }
}
