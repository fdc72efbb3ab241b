//! What another reading of the manifest changes in what runs.

use crate::world::{Input, World};
use kobliat_manifest::HttpRoute;
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Difference {
    pub added: Vec<String>,
    pub removed: Vec<String>,
    /// With what is different, in the words of the manifest.
    pub changed: Vec<(String, Vec<&'static str>)>,
    pub new_routes: Vec<String>,
    pub lost_routes: Vec<String>,
}

impl Difference {
    pub fn between(old: &World, new: &World) -> Self {
        let (was, is) = (old.used(), new.used());
        let changed = was.intersection(&is).filter_map(|id| {
            let what = changes(&old.input(id)?, &new.input(id)?);
            (!what.is_empty()).then(|| (id.clone(), what))
        });
        let (had, has) = (routes(old), routes(new));
        Self {
            added: is.difference(&was).cloned().collect(),
            removed: was.difference(&is).cloned().collect(),
            changed: changed.collect(),
            new_routes: has.difference(&had).cloned().collect(),
            lost_routes: had.difference(&has).cloned().collect(),
        }
    }

    /// The components that need new instances.
    pub fn to_start(&self) -> impl Iterator<Item = &String> {
        self.added.iter().chain(self.changed.iter().map(|(id, _)| id))
    }

    /// As the admin surface tells it.
    pub fn told(&self) -> Value {
        let changed = self.changed.iter().map(|(id, what)| json!({ "id": id, "what": what }));
        json!({
            "outcome": if *self == Self::default() { "unchanged" } else { "applied" },
            "added": self.added,
            "removed": self.removed,
            "changed": changed.collect::<Vec<_>>(),
            "routes": { "added": self.new_routes, "removed": self.lost_routes },
        })
    }
}

/// A route and what answers there.
fn routes(world: &World) -> BTreeSet<String> {
    let public = world.manifest().http_triggers.iter().filter_map(|trigger| match &trigger.route {
        HttpRoute::Public(route) => Some(match &trigger.target {
            kobliat_manifest::HttpTarget::Component { id, .. } => format!("{} → {id}", route.raw),
            kobliat_manifest::HttpTarget::Static(response) => format!("{} → {}", route.raw, response.status_code),
        }),
        HttpRoute::Private => None,
    });
    public.collect()
}

fn changes(old: &Input, new: &Input) -> Vec<&'static str> {
    let (was, is) = (&old.declared, &new.declared);
    let (had, has) = (&was.kobliat, &is.kobliat);
    let same = [
        ("source", was.source == is.source),
        ("variables", old.variables == new.variables && was.variables == is.variables),
        ("environment", was.environment == is.environment),
        ("files", was.files == is.files && was.exclude_files == is.exclude_files),
        ("allowed_outbound_hosts", old.hosts == new.hosts && was.allowed_outbound_hosts == is.allowed_outbound_hosts),
        ("key_value_stores", was.key_value_stores == is.key_value_stores),
        ("sqlite_databases", was.sqlite_databases == is.sqlite_databases),
        ("ai_models", was.ai_models == is.ai_models),
        ("dependencies", was.dependencies == is.dependencies),
        ("middleware", old.middleware == new.middleware),
        ("limits", had.limits == has.limits),
        ("links", had.links == has.links),
        ("own", had.own == has.own),
        ("tick", had.tick == has.tick),
        ("swap", had.swap == has.swap),
        ("admin", had.admin == has.admin),
        ("callers", old.reached == new.reached),
    ];
    let different: Vec<_> = same.iter().filter(|(_, same)| !same).map(|(what, _)| *what).collect();
    match different.is_empty() && old != new {
        // A key that this list does not know yet still counts.
        true => vec!["configuration"],
        false => different,
    }
}
