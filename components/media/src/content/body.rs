//! The body of a download: read piece by piece, as it is sent.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use http::{HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::BodyDataStream;
use sdk::Error;

use super::Sent;
use crate::{
    range::Part,
    storage::{self, BoxError, Storage},
};

type Pieces = storage::Pieces<'static>;

/// What an answer carries. A guest has one thread: unlike the SDK's boxes, it holds what is bound to it.
pub struct Body(Pieces);

impl Body {
    pub fn empty() -> Self {
        Self(Box::pin(stream::empty()))
    }

    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self(Box::pin(stream::iter((!bytes.is_empty()).then_some(Ok(bytes)))))
    }

    /// Another body, as it is read.
    pub fn of(body: impl http_body::Body<Data = Bytes, Error: Into<BoxError>> + 'static) -> Self {
        Self(Box::pin(BodyDataStream::new(body).map_err(Into::into)))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        self.0.poll_next_unpin(task).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

/// A stretch of a body: bytes that are there, or a part of the file.
pub enum Section {
    Text(String),
    Part(Part),
}

pub fn whole(answer: &mut Response<Body>, sent: &Sent) -> Vec<Section> {
    answer.headers_mut().insert(header::CONTENT_LENGTH, sent.size.into());
    let last = sent.size.checked_sub(1);
    Vec::from_iter(last.map(|last| Section::Part(Part { first: 0, last })))
}

/// One part as it is, several as `multipart/byteranges`.
pub fn parts(answer: &mut Response<Body>, sent: &Sent, parts: Vec<Part>) -> Vec<Section> {
    *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
    if let [only] = parts.as_slice() {
        answer.headers_mut().insert(header::CONTENT_LENGTH, only.len().into());
        insert(answer, header::CONTENT_RANGE, &only.content_range(sent.size));
        return vec![Section::Part(*only)];
    }
    let boundary = sdk::ids::new();
    let mut sections = Vec::new();
    for part in parts {
        sections.push(Section::Text(part_head(&boundary, answer, part, sent.size)));
        sections.push(Section::Part(part));
    }
    sections.push(Section::Text(format!("\r\n--{boundary}--\r\n")));
    let length: u64 = sections.iter().map(Section::len).sum();
    answer.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    insert(answer, header::CONTENT_TYPE, &format!("multipart/byteranges; boundary={boundary}"));
    sections
}

impl Section {
    fn len(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Part(part) => part.len(),
        }
    }
}

fn part_head(boundary: &str, answer: &Response<Body>, part: Part, size: u64) -> String {
    let content_type = answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or("application/octet-stream");
    let range = part.content_range(size);
    format!("\r\n--{boundary}\r\nContent-Type: {content_type}\r\nContent-Range: {range}\r\n\r\n")
}

fn insert(answer: &mut Response<Body>, name: http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

/// Reads the first part before the answer begins, so that a storage that is out of reach is told as such. When bytes vanish while they are
/// sent, the answer breaks off.
pub async fn of(storage: Box<dyn Storage<'static>>, sent: Sent, sections: Vec<Section>) -> Result<Body, Error> {
    let mut sections = sections.into_iter();
    let mut begun: Vec<Pieces> = Vec::new();
    for section in sections.by_ref() {
        let is_part = matches!(section, Section::Part(_));
        begun.push(read(&*storage, &sent, section).await?);
        if is_part {
            break;
        }
    }
    let rest = stream::unfold((storage, sent, sections), async |(storage, sent, mut sections)| {
        let section = sections.next()?;
        let pieces = read(&*storage, &sent, section).await;
        let pieces = pieces.unwrap_or_else(|error| Box::pin(stream::iter([Err(format!("{error:?}").into())])));
        Some((pieces, (storage, sent, sections)))
    });
    Ok(Body(Box::pin(stream::iter(begun).chain(rest).flatten())))
}

async fn read(storage: &dyn Storage<'static>, sent: &Sent, section: Section) -> Result<Pieces, Error> {
    match section {
        Section::Text(text) => Ok(Body::full(text).0),
        Section::Part(part) => storage.read(sent.place.clone(), sent.variant, part).await,
    }
}
