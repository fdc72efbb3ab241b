//! What the adapters need of a message: its text within a limit, its media, and requests of the usual kinds.

use http::{HeaderName, HeaderValue, Method, Request, header};
use sdk::outgoing::USER_AGENT;
use serde_json::{Map, Value};

use super::{Failure, Outgoing, Recipient};

impl Outgoing {
    pub(super) fn recipient(&self) -> Result<&Recipient, Failure> {
        self.recipient.as_ref().ok_or_else(|| Failure::new("no_recipient", "nobody is there to send it to"))
    }

    /// The text, at most so many characters.
    pub(super) fn text(&self, max: usize) -> Result<&str, Failure> {
        self.text_of(max, |text| text.chars().count())
    }

    /// The same where a character beyond the first plane (an emoji) counts as two, as in UTF-16.
    pub(super) fn text_in_utf16(&self, max: usize) -> Result<&str, Failure> {
        self.text_of(max, |text| text.encode_utf16().count())
    }

    fn text_of(&self, max: usize, count: impl FnOnce(&str) -> usize) -> Result<&str, Failure> {
        let text = self.body.as_deref().unwrap_or_default();
        match count(text) {
            0 => Err(Failure::new("no_text", "the message has no text")),
            count if count > max => {
                let reason = format!("the text has {count} characters, this channel takes {max}: send it in parts");
                Err(Failure::new("too_long", reason))
            }
            _ => Ok(text),
        }
    }

    pub(super) fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.metadata.get(name).and_then(Value::as_object)
    }

    pub(super) fn string(&self, name: &str) -> Option<&str> {
        self.metadata.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The provider's id of the message that this one answers.
    pub(super) fn reply_to(&self) -> Option<&str> {
        self.string("reply_to")
    }

    /// `metadata.media`: where the bytes are.
    pub(super) fn media(&self) -> Result<Media<'_>, Failure> {
        let missing = || Failure::new("no_media", "the message has no `media` with a `url` or an `id` in its metadata");
        let media = self.object("media").ok_or_else(missing)?;
        let text = |names: &[&str]| names.iter().find_map(|name| media.get(*name)?.as_str().filter(|t| !t.is_empty()));
        let source = match (text(&["id", "file_id"]), text(&["url", "link"])) {
            (_, Some(url)) if !url.starts_with("https://") && !url.starts_with("http://") => return Err(missing()),
            (Some(id), _) => Source::Id(id),
            (None, Some(url)) => Source::Url(url),
            (None, None) => return Err(missing()),
        };
        Ok(Media { source, filename: text(&["filename"]) })
    }
}

pub(super) struct Media<'a> {
    pub source: Source<'a>,
    pub filename: Option<&'a str>,
}

pub(super) enum Source<'a> {
    /// The provider's own.
    Id(&'a str),
    Url(&'a str),
}

pub(super) fn post(
    url: &str,
    content_type: &'static str,
    headers: &[(HeaderName, String)],
    body: Vec<u8>,
) -> Result<Box<Request<Vec<u8>>>, Failure> {
    let content = [(header::CONTENT_TYPE, content_type.to_owned()), (header::CONTENT_LENGTH, body.len().to_string())];
    request(Method::POST, url, headers.iter().chain(&content), body)
}

pub(super) fn get(url: &str, headers: &[(HeaderName, String)]) -> Result<Box<Request<Vec<u8>>>, Failure> {
    request(Method::GET, url, headers, Vec::new())
}

/// Many providers answer 403 to requests that do not say whose they are.
fn request<'a>(
    method: Method,
    url: &str,
    headers: impl IntoIterator<Item = &'a (HeaderName, String)>,
    body: Vec<u8>,
) -> Result<Box<Request<Vec<u8>>>, Failure> {
    let refused = |what: &str| Failure::new("not_configured", format!("{what}: correct the channel's variables"));
    let mut request = Request::builder().method(method).uri(url).header(header::USER_AGENT, USER_AGENT);
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).map_err(|_| refused("a credential cannot be sent in a header"))?;
        request = request.header(name, value);
    }
    request.body(body).map(Box::new).map_err(|_| refused("the provider's address is no URL"))
}

pub(super) fn post_json(
    url: &str,
    headers: &[(HeaderName, String)],
    body: &Value,
) -> Result<Box<Request<Vec<u8>>>, Failure> {
    post(url, "application/json", headers, body.to_string().into_bytes())
}
