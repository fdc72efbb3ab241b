//! The URL that a client asked for. `Host` and the request line must agree: a proxy before us may have read either.

use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Uri, Version};
use std::net::SocketAddr;

/// `local` stands for the host where HTTP/1.0 names none, as the probes of load balancers do (RFC 9112, 3.3).
pub(super) fn full_uri<B>(request: &Request<B>, scheme: &Scheme, local: SocketAddr) -> Result<Uri, &'static str> {
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(host.to_str().map_err(|_| "the Host header is not readable")?),
        (None, _) => None,
        (Some(_), Some(_)) => return Err("the request has more than one Host header"),
    };
    let line = request.uri().authority().map(Authority::as_str);
    let own = (request.version() < Version::HTTP_11 && line.is_none()).then(|| local.to_string());
    let authority = match (line, host.or(own.as_deref())) {
        (Some(line), Some(host)) if !line.eq_ignore_ascii_case(host) => {
            return Err("the Host header and the request line name different hosts");
        }
        (Some(authority), _) | (None, Some(authority)) => authority,
        (None, None) => return Err("the request names no host; HTTP/1.1 needs a Host header"),
    };
    let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let uri = Uri::builder().scheme(scheme.clone()).authority(authority).path_and_query(path).build();
    uri.map_err(|_| "the Host header is not a host")
}
