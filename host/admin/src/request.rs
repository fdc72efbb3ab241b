//! A request as a group of routes sees it: the path in segments, the query by name, the whole body.

use crate::problem::Problem;
use bytes::Bytes;
use http::{Method, Uri};
use serde_json::Value;
use std::collections::BTreeMap;
use std::str::FromStr;

/// Who asks. All of them may do everything; it is for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The user that runs the host, by the unix socket.
    Socket,
    /// Who has the token, by TCP.
    Token,
    /// A component that the manifest makes an administrator.
    Component(String),
}

#[derive(Debug)]
pub struct AdminRequest {
    pub method: Method,
    /// After the group's own: `["customer", "stop"]` of `/components/customer/stop`. Percent-decoded.
    pub path: Vec<String>,
    pub query: BTreeMap<String, String>,
    pub body: Bytes,
    pub caller: Caller,
}

impl AdminRequest {
    /// The segments, to be matched with literals.
    pub fn segments(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    /// A query parameter, `None` where it is not given.
    pub fn parameter<T: FromStr>(&self, name: &str) -> Result<Option<T>, Problem> {
        let Some(text) = self.query.get(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Problem::bad_request(format!("`{name}={text}` is not valid")))
    }

    /// The body as a JSON object.
    pub fn json(&self) -> Result<serde_json::Map<String, Value>, Problem> {
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            _ => Err(Problem::bad_request("the body must be a JSON object")),
        }
    }
}

/// The path's segments, without empty ones at its end.
pub(crate) fn segments(uri: &Uri) -> Option<Vec<String>> {
    let path = uri.path().trim_matches('/');
    path.split('/').map(decode).collect()
}

pub(crate) fn query(uri: &Uri) -> Option<BTreeMap<String, String>> {
    let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?))
        })
        .collect()
}

/// `None` when it is no percent-encoded UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.extend(hex::decode(digits).ok()?);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_segments_and_query() {
        let uri: Uri = "/events/a%2Fb/redrive/?tenant=t%20x&limit=5&flag".parse().unwrap();
        assert_eq!(segments(&uri).unwrap(), ["events", "a/b", "redrive"]);
        let query = query(&uri).unwrap();
        assert_eq!(query["tenant"], "t x");
        assert_eq!(query["limit"], "5");
        assert_eq!(query["flag"], "");
    }

    #[test]
    fn refuses_what_is_not_utf8_or_cut_off() {
        assert_eq!(decode("%ff"), None);
        assert_eq!(decode("a%2"), None);
        assert_eq!(decode("%zz"), None);
    }
}
