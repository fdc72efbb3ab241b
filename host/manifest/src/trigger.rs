//! `[[trigger.<type>]]`: what makes a component run.

use crate::declared::Declared;
use crate::nearest::did_you_mean;
use crate::reader::{Field, Table};

mod http;
mod naming;
mod redis;

pub use http::{Executor, HttpRoute, HttpTarget, HttpTrigger, Middleware, StaticResponse};
pub use redis::RedisTrigger;

/// The types that a Spin manifest can have on our host.
const TYPES: [&str; 2] = ["http", "redis"];

#[derive(Default)]
pub(crate) struct Triggers<'a> {
    pub http: Vec<HttpTrigger>,
    pub redis: Vec<RedisTrigger>,
    /// Components written inside a trigger, with the ids that they were given.
    pub inline: Vec<(String, Table<'a>)>,
}

pub(crate) fn read_triggers<'a>(root: &Table<'a>, declared: &Declared) -> Triggers<'a> {
    let mut triggers = Triggers::default();
    let field = root.required("trigger", "[[trigger.http]]");
    let Some(table) = field.and_then(|field| field.table()) else { return triggers };
    let mut listed = Vec::new();
    for (kind, field) in table.entries() {
        if TYPES.contains(&kind) {
            listed.extend(field.items().iter().filter_map(Field::table).map(|table| (kind, table)));
        } else {
            let hint = did_you_mean(kind, TYPES);
            field.key_error(format!("there is no trigger type `{kind}`; Kobliat runs `http` triggers{hint}"));
        }
    }
    let mut routes = http::Routes::default();
    for named in naming::name_triggers(listed, declared, &mut triggers.inline) {
        match named.kind {
            "http" => triggers.http.extend(http::read_http(&named, &mut routes, declared)),
            _ => triggers.redis.extend(redis::read_redis(&named, declared)),
        }
        named.table.finish();
    }
    triggers
}
