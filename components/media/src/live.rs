//! The service's surroundings in the component.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use sdk::{
    SystemClock,
    config::Settings,
    outgoing::{self, Failure},
    sql::{Database, Spin},
};
use spin_sdk::http::{BoxBody, box_body};

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

    async fn send(&self, request: Request<Bytes>, patience: Duration) -> Result<Response<BoxBody>, Failure> {
        Ok(outgoing::open(request, patience).await?.map(box_body))
    }

    async fn sleep(&self, duration: Duration) {
        spin_sdk::time::sleep(duration).await;
    }
}
