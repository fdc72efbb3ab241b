//! `[[trigger.http]]`: a route and what answers there.

use std::collections::BTreeMap;

use crate::declared::Declared;
use crate::dependency::{DependencyKind, Inherit, read_inherit, read_kind, require_package};
use crate::reader::{Field, Table};
use crate::route::Route;

use super::naming::Named;

#[derive(Clone, Debug, PartialEq)]
pub struct HttpTrigger {
    pub id: String,
    pub route: HttpRoute,
    pub target: HttpTarget,
    /// Outermost first.
    pub middleware: Vec<Middleware>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpRoute {
    Public(Route),
    /// Reached by `http://<component>.spin.internal` only.
    Private,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpTarget {
    Component { id: String, executor: Executor },
    Static(StaticResponse),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Executor {
    #[default]
    Http,
    Wagi {
        argv: String,
        entrypoint: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticResponse {
    pub status_code: u16,
    pub headers: BTreeMap<String, String>,
    pub body: Option<String>,
}

/// A component composed in front of the handler.
#[derive(Clone, Debug, PartialEq)]
pub struct Middleware {
    pub kind: DependencyKind,
    pub inherit_configuration: Inherit,
}

/// The public routes so far: pattern to the route as written.
#[derive(Default)]
pub(super) struct Routes(BTreeMap<String, String>);

pub(super) fn read_http(named: &Named, routes: &mut Routes, declared: &Declared) -> Option<HttpTrigger> {
    let table = &named.table;
    let route = table.required("route", "route = \"/...\"").and_then(|field| read_route(&field, routes));
    let executor = table.optional("executor").and_then(|field| read_executor(&field)).unwrap_or_default();
    let component = table.optional("component");
    let answer = table.optional("static_response");
    let middleware = table.optional("dependencies").map(|field| read_middleware(&field, declared)).unwrap_or_default();
    let target = match (component, answer) {
        (Some(_), None) => named.component.clone().map(|id| HttpTarget::Component { id, executor }),
        (None, Some(answer)) => read_static(&answer).map(HttpTarget::Static),
        (Some(_), Some(answer)) => {
            answer.key_error("a trigger has either a `component` or a `static_response`; remove one");
            None
        }
        (None, None) => {
            table.error(format!("nothing answers here; add `component = \"…\"` to {}", table.title));
            None
        }
    };
    Some(HttpTrigger { id: named.id.clone(), route: route?, target: target?, middleware })
}

fn read_route(field: &Field, routes: &mut Routes) -> Option<HttpRoute> {
    if field.is_string() {
        let route = field.parsed(Route::parse)?;
        if let Some(other) = routes.0.insert(route.pattern(), route.raw.clone()) {
            field.error(format!("route `{route}` is taken by `{other}` already; each path can have one trigger"));
        }
        return Some(HttpRoute::Public(route));
    }
    let table = field.table_or_string()?;
    let private = table.required("private", "private = true").and_then(|field| field.bool());
    table.finish();
    if private == Some(false) {
        field.error("`{ private = false }` is no route; write the path, like `route = \"/...\"`");
    }
    private.map(|_| HttpRoute::Private)
}

fn read_executor(field: &Field) -> Option<Executor> {
    let table = field.table()?;
    let kind = table.required("type", "type = \"http\"")?;
    let executor = match kind.str()? {
        "http" | "spin" => Some(Executor::Http),
        "wagi" => Some(Executor::Wagi {
            argv: text_or(&table, "argv", "${SCRIPT_NAME} ${ARGS}"),
            entrypoint: text_or(&table, "entrypoint", "_start"),
        }),
        other => {
            kind.error(format!("there is no executor `{other}`; write `type = \"http\"`"));
            return None;
        }
    };
    table.finish();
    executor
}

fn text_or(table: &Table, key: &'static str, default: &str) -> String {
    table.optional(key).and_then(|field| field.string()).unwrap_or_else(|| default.to_owned())
}

fn read_static(field: &Field) -> Option<StaticResponse> {
    let table = field.table()?;
    // Below 200 is no final answer.
    let status_code = table.optional("status_code").and_then(|field| field.integer(200..=999));
    let response = StaticResponse {
        status_code: status_code.and_then(|code| u16::try_from(code).ok()).unwrap_or(200),
        headers: table.optional("headers").map(|field| read_headers(&field)).unwrap_or_default(),
        body: table.optional("body").and_then(|field| field.string()),
    };
    table.finish();
    Some(response)
}

fn read_headers(field: &Field) -> BTreeMap<String, String> {
    let Some(table) = field.table() else { return BTreeMap::new() };
    let mut headers = BTreeMap::new();
    for (name, value) in table.entries() {
        if name.is_empty()
            || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
        {
            value.key_error(format!("`{name}` is no header name; write letters, digits and `-`"));
        }
        let single_line = |text: &str| match text.contains(['\r', '\n', '\0']) {
            true => Err("a header value is one line; remove the line break".to_owned()),
            false => Ok(text.to_owned()),
        };
        headers.extend(value.parsed(single_line).map(|value| (name.to_owned(), value)));
    }
    headers
}

fn read_middleware(field: &Field, declared: &Declared) -> Vec<Middleware> {
    let Some(table) = field.table() else { return Vec::new() };
    let items = table.optional("middleware").map(|field| field.items()).unwrap_or_default();
    table.finish();
    items.iter().filter_map(|item| read_layer(item, declared)).collect()
}

fn read_layer(field: &Field, declared: &Declared) -> Option<Middleware> {
    let table = field.table()?;
    let inherit = table.optional("inherit_configuration").map(|field| read_inherit(&field));
    let kind = read_kind(&table, field, declared);
    require_package(kind.as_ref(), field);
    table.finish();
    Some(Middleware { kind: kind?, inherit_configuration: inherit.unwrap_or_default() })
}
