//! A request with its body in memory, and the bridge from and to the host's streams.

use ::http::{HeaderMap, HeaderName, HeaderValue, Method};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};

use crate::{Context, Input, Problem, context::REQUEST_ID, query::Query};

/// 1 MiB: room for every JSON body of the API.
pub const BODY_LIMIT_BYTES: usize = 1 << 20;

/// An answer with its body in memory.
pub type Response = ::http::Response<Vec<u8>>;

/// A request with its body in memory. The router fills `context` and `params`.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub method: Method,
    /// As it came, still escaped, without the query.
    pub path: String,
    /// As it came, still escaped, without `?`.
    pub raw_query: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub context: Context,
    pub params: Vec<(&'static str, String)>,
}

impl Request {
    /// The path parameter of this name, unescaped; empty when the route has none.
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// The path parameter of this name as an id; what is no id names nothing: 404.
    pub fn id(&self, name: &str, what: &str) -> Result<String, Problem> {
        crate::ids::parse(self.param(name)).ok_or_else(|| Problem::not_found(what))
    }

    pub fn query(&self) -> Result<Query, Problem> {
        Query::parse(&self.raw_query)
    }

    /// Decodes the JSON object in the body; see [`Input`].
    pub fn decode<T>(&self, read: impl FnOnce(&mut Input) -> T) -> Result<T, Problem> {
        let content_type = self.headers.get(::http::header::CONTENT_TYPE);
        if content_type.is_some_and(|value| !is_json(value.to_str().unwrap_or_default())) {
            return Err(Problem::unsupported_media_type("send application/json"));
        }
        Input::decode(&self.body, read)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }
}

fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Reads the request, at most `limit_bytes` of body, lets `answer` answer it, and hands the answer to the host.
pub async fn serve<B>(
    request: ::http::Request<B>,
    limit_bytes: usize,
    answer: impl AsyncFnOnce(Request) -> Response,
) -> ::http::Response<Full<bytes::Bytes>>
where
    B: http_body::Body<Data = bytes::Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    serve_reading(request, async |request, body| read(body, request, limit_bytes).await, answer).await
}

/// The same for whoever reads bodies in a way of its own: `take` gets the request without its body, and the body, and answers what
/// `answer` is to see of it.
pub async fn serve_reading<B>(
    request: ::http::Request<B>,
    take: impl AsyncFnOnce(&mut Request, B) -> Result<Vec<u8>, Problem>,
    answer: impl AsyncFnOnce(Request) -> Response,
) -> ::http::Response<Full<bytes::Bytes>> {
    let (parts, body) = request.into_parts();
    let mut request = Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        raw_query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        ..Request::default()
    };
    // WASI names the host in the URI and has no header for it; where an instance's caller sent both, they are the same.
    let host = parts.uri.authority().and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    if let (Some(host), None) = (host, request.header("host")) {
        request.headers.insert(::http::header::HOST, host);
    }
    let response = match take(&mut request, body).await {
        Ok(body) => {
            request.body = body;
            answer(request).await
        }
        Err(problem) => {
            let context = Context::anonymous(&request.headers);
            with_request_id(problem.into_response(&context, &request.path), &context)
        }
    };
    response.map(|body| Full::new(bytes::Bytes::from(body)))
}

/// Every answer carries the request's id.
pub(crate) fn with_request_id(mut response: Response, context: &Context) -> Response {
    let id = HeaderValue::from_str(&context.request_id).ok();
    response.headers_mut().extend(id.map(|id| (HeaderName::from_static(REQUEST_ID), id)));
    response
}

/// A declared length over the limit is refused unread; an undeclared one as soon as it passes the limit.
pub async fn read<B>(body: B, request: &Request, limit_bytes: usize) -> Result<Vec<u8>, Problem>
where
    B: http_body::Body<Data = bytes::Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let declared = request.header("content-length").and_then(|length| length.parse::<u64>().ok());
    if declared.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit_bytes)) {
        return Err(Problem::too_large(limit_bytes));
    }
    // A GET without a body need not touch the stream at all.
    if declared.unwrap_or(0) == 0 && request.header("transfer-encoding").is_none() && request.method == Method::GET {
        return Ok(Vec::new());
    }
    match Limited::new(body, limit_bytes).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::too_large(limit_bytes)),
        Err(_) => Err(Problem::unreadable("the body ended early")),
    }
}
