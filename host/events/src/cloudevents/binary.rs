//! Binary mode: attributes in `ce-*` headers, percent-encoded; the body is the data.

use super::{Attributes, Refusal};
use crate::event::Event;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

/// What the HTTP binding wants encoded: the space, `"` and `%`, and everything that is not visible ASCII.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

const PREFIX: &str = "ce-";

/// The event of a request in binary mode; `None` when it is in no mode at all.
pub fn from_headers(headers: &HeaderMap, body: Bytes) -> Option<Result<Event, Refusal>> {
    headers.contains_key("ce-specversion").then(|| read(headers, body))
}

fn read(headers: &HeaderMap, body: Bytes) -> Result<Event, Refusal> {
    let mut attributes = Attributes::default();
    for (name, value) in headers {
        let Some(name) = name.as_str().strip_prefix(PREFIX) else { continue };
        if name == "datacontenttype" {
            return Err("the content type is in the header `content-type`, not in `ce-datacontenttype`".to_owned());
        }
        let text = percent_decode(value.as_bytes()).decode_utf8();
        attributes.add(name, text.map_err(|_| format!("`{name}` is not UTF-8"))?.into_owned())?;
    }
    if let Some(content_type) = headers.get(CONTENT_TYPE) {
        let text = content_type.to_str().map_err(|_| "the content type is not text".to_owned())?;
        attributes.add("datacontenttype", text.to_owned())?;
    }
    attributes.into_event(body)
}

/// The headers that carry the event.
pub fn to_headers(event: &Event) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(event.attributes().len() + 8);
    headers.insert("ce-specversion", HeaderValue::from_static("1.0"));
    for (name, value) in event.attributes() {
        if name == "datacontenttype" {
            headers.extend(HeaderValue::from_str(value).ok().map(|value| (CONTENT_TYPE, value)));
            continue;
        }
        let encoded = utf8_percent_encode(value, ENCODED).to_string();
        // Both were checked on their way in: names are letters and digits, values are encoded.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(format!("{PREFIX}{name}")), HeaderValue::try_from(encoded))
        {
            headers.insert(name, value);
        }
    }
    headers
}
