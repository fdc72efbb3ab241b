//! What a row of the route table says: method, path, rights, who answers, and how it is documented.

use http::Method;

use super::{Action, Service};

pub struct Route {
    pub method: Method,
    /// Below the prefix. `{id}` is a UUID; any other `{name}` is one segment of any text.
    pub path: &'static str,
    /// All of these are needed.
    pub scopes: &'static [&'static str],
    pub action: Action,
    pub doc: Doc,
}

/// The row in `/openapi.json`. The names are those of `openapi/*.json`; a test finds what is missing there.
#[derive(Clone, Copy)]
pub struct Doc {
    /// Unique; clients that are generated name their functions so.
    pub id: &'static str,
    pub summary: &'static str,
    /// Parameters of the query, by component name.
    pub query: &'static [&'static str],
    /// Schema of the request's body.
    pub body: Option<&'static str>,
    pub answers: &'static [Answer],
    /// Whether `If-Match` names the version to change. Every PATCH takes it.
    pub if_match: bool,
    /// Whether the answer has an `ETag`, which a later request may name in `If-None-Match`.
    pub has_etag: bool,
    /// Where a new record is found by its id, when that is not below the path that made it.
    pub made_in: Option<&'static str>,
}

/// A success status, and the schema of what comes with it.
pub type Answer = (u16, Option<&'static str>);

impl Doc {
    /// Answers 200 with this.
    pub const fn new(id: &'static str, summary: &'static str, answers: &'static [Answer]) -> Self {
        Self { id, summary, query: &[], body: None, answers, if_match: false, has_etag: false, made_in: None }
    }

    pub const fn query(self, query: &'static [&'static str]) -> Self {
        Self { query, ..self }
    }

    pub const fn body(self, schema: &'static str) -> Self {
        Self { body: Some(schema), ..self }
    }

    pub const fn has_etag(self) -> Self {
        Self { has_etag: true, ..self }
    }

    pub const fn made_in(self, collection: &'static str) -> Self {
        Self { made_in: Some(collection), ..self }
    }

    pub const fn if_match(self) -> Self {
        Self { if_match: true, ..self }
    }
}

impl Route {
    pub const fn get(path: &'static str, scopes: &'static [&'static str], action: Action, doc: Doc) -> Self {
        Self { method: Method::GET, path, scopes, action, doc }
    }

    pub const fn post(path: &'static str, scopes: &'static [&'static str], action: Action, doc: Doc) -> Self {
        Self { method: Method::POST, path, scopes, action, doc }
    }

    pub const fn put(path: &'static str, scopes: &'static [&'static str], action: Action, doc: Doc) -> Self {
        Self { method: Method::PUT, path, scopes, action, doc }
    }

    pub const fn patch(path: &'static str, scopes: &'static [&'static str], action: Action, doc: Doc) -> Self {
        Self { method: Method::PATCH, path, scopes, action, doc }
    }

    pub const fn delete(path: &'static str, scopes: &'static [&'static str], action: Action, doc: Doc) -> Self {
        Self { method: Method::DELETE, path, scopes, action, doc }
    }

    /// The service that the row's whole requests go to, when the gateway does not answer itself.
    pub const fn service(&self) -> Option<Service> {
        match self.action {
            Action::Forward(service) => Some(service),
            _ => None,
        }
    }
}
