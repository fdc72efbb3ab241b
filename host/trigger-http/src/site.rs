//! What the application serves now. It may be exchanged while requests run: each keeps the one that it began with.

use crate::router::Router;
use crate::service::AppInfo;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// One reading of the manifest, as the outside sees it.
pub struct Served {
    pub router: Router,
    pub info: AppInfo,
}

/// The place that the listener and the components' requests to themselves look at.
pub struct Site(ArcSwap<Served>);

impl Site {
    pub fn new(served: Served) -> Arc<Self> {
        Arc::new(Self(ArcSwap::from_pointee(served)))
    }

    pub fn set(&self, served: Served) {
        self.0.store(Arc::new(served));
    }

    pub fn now(&self) -> Arc<Served> {
        self.0.load_full()
    }
}
