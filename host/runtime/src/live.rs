//! What is in force now, for those who outlive a reading of the manifest: the listener, deliveries, virtual hosts, metrics.

use crate::instances::Targets;
use crate::routes;
use crate::world::World;
use arc_swap::ArcSwap;
use kobliat_trigger_http::{AppInfo, Router, Served, Site};
use std::collections::BTreeSet;
use std::sync::Arc;

pub struct Live {
    targets: ArcSwap<Targets>,
    administrators: ArcSwap<BTreeSet<String>>,
    pub site: Arc<Site>,
}

impl Default for Live {
    /// Nothing is served before [`Live::show_components`] and [`Live::show_routes`].
    fn default() -> Self {
        let info = AppInfo { name: String::new(), version: None };
        Self {
            targets: ArcSwap::default(),
            administrators: ArcSwap::default(),
            site: Site::new(Served { router: Router::default(), info }),
        }
    }
}

impl Live {
    pub fn targets(&self) -> Arc<Targets> {
        self.targets.load_full()
    }

    /// Whether the manifest makes this component an administrator.
    pub fn is_administrator(&self, component: &str) -> bool {
        self.administrators.load().contains(component)
    }

    /// From now on these components are found by their names. Before their routes, and after those of components that go.
    pub fn show_components(&self, world: &World) {
        let components = world.manifest().components.values();
        let administrators = components.filter(|component| component.kobliat.admin);
        self.administrators.store(Arc::new(administrators.map(|component| component.id.clone()).collect()));
        self.targets.store(Arc::clone(&world.instances.targets));
    }

    /// From now on these are the public routes.
    pub fn show_routes(&self, world: &World) {
        let router = routes::router(world.manifest(), &world.instances.targets);
        self.site.set(Served { router, info: routes::app_info(world.manifest()) });
    }
}
