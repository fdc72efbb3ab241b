//! `[[trigger.redis]]`: read, so that a manifest with one is understood; the host has no such trigger yet and says so.

use crate::declared::Declared;
use crate::template::Template;

use super::naming::Named;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisTrigger {
    pub id: String,
    pub component: String,
    pub channel: Template,
    /// Instead of the application's.
    pub address: Option<Template>,
}

pub(super) fn read_redis(named: &Named, declared: &Declared) -> Option<RedisTrigger> {
    let channel = named.table.required("channel", "channel = \"orders\"").and_then(|field| declared.template(&field));
    let address = named.table.optional("address").and_then(|field| declared.template(&field));
    named.table.required("component", "component = \"my-component\"");
    Some(RedisTrigger { id: named.id.clone(), component: named.component.clone()?, channel: channel?, address })
}
