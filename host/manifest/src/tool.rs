//! The `tool.kobliat` tables: what is ours in spin.toml. Spin ignores them; we refuse what we do not know.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::declared::Declared;
use crate::event_pattern::Interest;
use crate::limits::Limits;
use crate::nearest::did_you_mean;
use crate::reader::{Field, Table};
use crate::swap::SwapPolicy;
use crate::template::Template;
use crate::units;

/// `[application.tool.kobliat]`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplicationTool {
    /// Values of application variables on our host, before their defaults and after what the operator sets.
    pub variables: BTreeMap<String, String>,
    /// Required secret variables that `up` makes when nobody sets them.
    pub generate_secrets: Vec<String>,
    /// What components have that do not say otherwise.
    pub limits: Limits,
}

/// `[component.<id>.tool.kobliat]`
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ComponentTool {
    /// Dependencies that are linked at run time instead of composed: dependency key to component id.
    pub links: BTreeMap<String, String>,
    /// What the component itself may touch when its dependencies are linked; without `own`, all that it lists.
    pub own: Own,
    /// How often the host POSTs to `/internal/tick`.
    pub tick: Option<Duration>,
    /// Events that the host POSTs to `/events`.
    pub subscribe: Vec<Interest>,
    /// May reach the admin surface, when its allow-list names it too.
    pub admin: bool,
    /// Whether the wildcards of its allow-list mean private networks, too, once its variables are filled in: `true` or `false`.
    pub private_networks: Option<Template>,
    pub limits: Limits,
    /// How its versions are exchanged at run time.
    pub swap: SwapPolicy,
}

/// A component's own share of what it lists: the rest is listed only so that a composed dependency can inherit it.
/// Already resolved: a list that `own` leaves out is the component's whole list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Own {
    pub sqlite_databases: Vec<String>,
    pub key_value_stores: Vec<String>,
    pub ai_models: Vec<String>,
    pub allowed_outbound_hosts: Vec<Template>,
    /// Names of component variables.
    pub variables: BTreeSet<String>,
    /// Names of environment variables.
    pub environment: BTreeSet<String>,
}

impl ApplicationTool {
    pub(crate) fn read(table: &Table, declared: &Declared) -> Self {
        let tool = Self {
            variables: table.optional("variables").map(|field| read_values(&field, declared)).unwrap_or_default(),
            generate_secrets: table
                .optional("generate_secrets")
                .map(|f| read_secrets(&f, declared))
                .unwrap_or_default(),
            limits: Limits::read_both(table, Limits::default()),
        };
        table.finish();
        tool
    }
}

fn read_values(field: &Field, declared: &Declared) -> BTreeMap<String, String> {
    let Some(table) = field.table() else { return BTreeMap::new() };
    let mut values = BTreeMap::new();
    for (name, value) in table.entries() {
        if !declared.variables.contains_key(name) {
            let hint = did_you_mean(name, declared.variables.keys().map(String::as_str));
            value.key_error(format!("variable `{name}` is not declared in [variables]{hint}"));
        }
        values.extend(value.string().map(|value| (name.to_owned(), value)));
    }
    values
}

fn read_secrets(field: &Field, declared: &Declared) -> Vec<String> {
    field.parsed_list(|name| match declared.variables.get(name) {
        Some(variable) if variable.is_required() && variable.secret => Ok(name.to_owned()),
        Some(_) => Err(format!(
            "only a required secret can be generated; declare `{name} = {{ required = true, secret = true }}` in [variables]"
        )),
        None => {
            let hint = did_you_mean(name, declared.variables.keys().map(String::as_str));
            Err(format!("variable `{name}` is not declared in [variables]{hint}"))
        }
    })
}

/// What the rest of the component's table says, for the checks against it.
pub(crate) struct Owner<'c> {
    pub id: &'c str,
    pub lists: Own,
    /// Dependency keys, each with the component that it is composed from, if it names one.
    pub dependencies: BTreeMap<&'c str, Option<&'c str>>,
    /// A public route by which `/events` or `/internal/…` could be reached from outside.
    pub exposed_by: Option<&'c str>,
}

impl ComponentTool {
    pub(crate) fn read(table: &Table, owner: Owner, declared: &Declared) -> Self {
        let links = table.optional("links").map(|field| read_links(&field, &owner, declared)).unwrap_or_default();
        let tick = table.optional("tick");
        let subscribe = table.optional("subscribe");
        for field in [&tick, &subscribe].into_iter().flatten() {
            refuse_exposure(field, &owner);
        }
        let tool = Self {
            links,
            tick: tick.and_then(|field| read_tick(&field)),
            subscribe: subscribe.map(|field| Interest::read_all(&field)).unwrap_or_default(),
            admin: table.optional("admin").and_then(|field| field.bool()).unwrap_or(false),
            private_networks: table.optional("private_networks").and_then(|field| read_switch(&field, declared)),
            limits: Limits::read_both(table, declared.limits.clone()),
            swap: table.optional("swap").and_then(|f| f.table()).map(|t| SwapPolicy::read(&t)).unwrap_or_default(),
            own: match table.optional("own").and_then(|field| field.table()) {
                Some(own) => Own::read(&own, owner.lists, owner.id),
                None => owner.lists,
            },
        };
        table.finish();
        tool
    }
}

fn read_links(field: &Field, owner: &Owner, declared: &Declared) -> BTreeMap<String, String> {
    let Some(table) = field.table() else { return BTreeMap::new() };
    let mut links = BTreeMap::new();
    for (key, value) in table.entries() {
        let Some(target) = declared.component(&value) else { continue };
        match owner.dependencies.get(key) {
            None => {
                let hint = did_you_mean(key, owner.dependencies.keys().copied());
                value.key_error(format!(
                    "`{key}` is no dependency; add it to [component.{}.dependencies]{hint}",
                    owner.id
                ));
            }
            Some(_) if !key.contains('/') => {
                value.key_error(format!(
                    "`{key}` is no interface; only `namespace:package/interface@version` can be linked"
                ));
            }
            Some(Some(composed)) if *composed != target => {
                value
                    .error(format!("the dependency is component `{composed}`, the link `{target}`; name the same one"));
            }
            Some(_) if target == owner.id => value.error("a component cannot be linked to itself; name another"),
            Some(_) => {}
        }
        links.insert(key.to_owned(), target);
    }
    links
}

/// Anyone could forge an event or a tick if these paths were public.
fn refuse_exposure(field: &Field, owner: &Owner) {
    if let Some(route) = owner.exposed_by {
        field.key_error(format!(
            "the public route `{route}` of component `{}` exposes /events or /internal/…, so it may not subscribe or tick; \
             narrow the route or make it `{{ private = true }}`",
            owner.id
        ));
    }
}

/// Shorter would only burn instances; the outbox is flushed after each request anyway.
const SHORTEST_TICK: Duration = Duration::from_millis(100);

fn read_tick(field: &Field) -> Option<Duration> {
    field.parsed(|text| match units::duration(text)? {
        tick if tick < SHORTEST_TICK => Err(format!("a tick of `{text}` is too short; write 100ms or more")),
        tick => Ok(tick),
    })
}

/// `true`, `false`, or a text that becomes one of them.
fn read_switch(field: &Field, declared: &Declared) -> Option<Template> {
    if field.is_bool() {
        return Template::parse(&field.bool()?.to_string()).ok();
    }
    let template = declared.template(field)?;
    match template.literal() {
        None | Some("true" | "false") => Some(template),
        Some(text) => {
            field.error(format!(
                "`{text}` is no switch; write true, false, or a variable like \"{{{{ allow_private }}}}\""
            ));
            None
        }
    }
}

impl Own {
    fn read(table: &Table, lists: Self, id: &str) -> Self {
        let own = Self {
            sqlite_databases: share(table, "sqlite_databases", lists.sqlite_databases, id),
            key_value_stores: share(table, "key_value_stores", lists.key_value_stores, id),
            ai_models: share(table, "ai_models", lists.ai_models, id),
            allowed_outbound_hosts: share_hosts(table, lists.allowed_outbound_hosts, id),
            variables: share(table, "variables", lists.variables.into_iter().collect(), id).into_iter().collect(),
            environment: share(table, "environment", lists.environment.into_iter().collect(), id).into_iter().collect(),
        };
        table.finish();
        own
    }
}

fn share(table: &Table, key: &'static str, all: Vec<String>, id: &str) -> Vec<String> {
    let Some(field) = table.optional(key) else { return all };
    field.parsed_list(|name| {
        if all.iter().any(|listed| listed == name) {
            return Ok(name.to_owned());
        }
        let hint = did_you_mean(name, all.iter().map(String::as_str));
        Err(format!("`{name}` is not in `{key}` of [component.{id}], so it cannot be its own; add it there{hint}"))
    })
}

/// Compared as templates, so that `{{x}}` and `{{ x }}` are the same grant.
fn share_hosts(table: &Table, all: Vec<Template>, id: &str) -> Vec<Template> {
    let Some(field) = table.optional("allowed_outbound_hosts") else { return all };
    field.parsed_list(|text| {
        let host = Template::parse(text)?;
        if all.contains(&host) {
            return Ok(host);
        }
        Err(format!(
            "`{text}` is not in `allowed_outbound_hosts` of [component.{id}], so it cannot be its own; add it there"
        ))
    })
}
