//! Which group of routes answers a request, and how its answer looks on the wire.

use crate::problem::Problem;
use crate::request::{AdminRequest, Caller, query, segments};
use bytes::Bytes;
use futures::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use tracing::info;

/// What a request may carry where its group asks for no more.
const BODY: usize = 1 << 20;

/// The routes below one first segment: `components`, `events`, `metrics`.
pub trait RouteGroup: Send + Sync + 'static {
    /// The first segment.
    fn prefix(&self) -> &'static str;

    /// The most bytes that a request of this group may carry.
    fn max_body(&self) -> usize {
        BODY
    }

    /// `Reply::unknown` for a path or method that the group does not have.
    fn handle(&self, request: AdminRequest) -> Answer<'_>;
}

pub type Answer<'a> = BoxFuture<'a, Result<Reply, Problem>>;

/// What a group answers.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    content_type: &'static str,
    body: Bytes,
}

impl Reply {
    pub fn json(value: &Value) -> Self {
        Self::json_with(StatusCode::OK, value)
    }

    pub fn json_with(status: StatusCode, value: &Value) -> Self {
        Self { status, content_type: "application/json", body: Bytes::from(value.to_string()) }
    }

    pub fn text(content_type: &'static str, text: String) -> Self {
        Self { status: StatusCode::OK, content_type, body: Bytes::from(text) }
    }

    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, content_type: "", body: Bytes::new() }
    }

    /// The group has no such route.
    pub fn unknown() -> Problem {
        Problem::not_found("such path, or it knows no such method")
    }

    fn response(self) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        if !self.content_type.is_empty() {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        }
        response
    }
}

/// All groups. One may be added while others are asked.
#[derive(Default)]
pub struct Admin {
    groups: RwLock<BTreeMap<&'static str, Arc<dyn RouteGroup>>>,
}

impl Admin {
    pub fn add(&self, group: Arc<dyn RouteGroup>) {
        self.groups.write().unwrap_or_else(PoisonError::into_inner).insert(group.prefix(), group);
    }

    /// Groups know the host, and the host its groups: a stopped host lets go of them.
    pub fn clear(&self) {
        self.groups.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Never fails: what goes wrong is a response.
    pub async fn handle<B>(&self, request: Request<B>, caller: Caller) -> Response<Bytes>
    where
        B: http_body::Body + Send,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match self.answer(request, caller).await {
            Ok(reply) => reply.response(),
            Err(problem) => problem.response(),
        }
    }

    async fn answer<B>(&self, request: Request<B>, caller: Caller) -> Result<Reply, Problem>
    where
        B: http_body::Body + Send,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let not_text = || Problem::bad_request("the URL is not percent-encoded UTF-8");
        let mut path = segments(&head.uri).ok_or_else(not_text)?;
        let query = query(&head.uri).ok_or_else(not_text)?;
        let prefix = path.remove(0);
        if prefix.is_empty() {
            return Ok(self.index());
        }
        let group = self.group(&prefix).ok_or_else(|| Problem::not_found(format!("`/{prefix}`")))?;
        let limit = group.max_body();
        let body = Limited::new(body, limit).collect().await.map_err(|_| {
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body was not received whole within {limit} bytes"))
        })?;
        if !head.method.is_safe() {
            info!(?caller, "admin: {} {}", head.method, head.uri.path());
        }
        group.handle(AdminRequest { method: head.method, path, query, body: body.to_bytes(), caller }).await
    }

    fn group(&self, prefix: &str) -> Option<Arc<dyn RouteGroup>> {
        self.groups.read().unwrap_or_else(PoisonError::into_inner).get(prefix).cloned()
    }

    fn index(&self) -> Reply {
        let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
        let paths: Vec<String> = groups.keys().map(|prefix| format!("/{prefix}")).collect();
        Reply::json(&json!({ "groups": paths }))
    }
}
