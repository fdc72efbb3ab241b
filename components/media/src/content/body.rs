//! The body of a download: read from the database chunk by chunk, as it is sent.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use http::{HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::BodyDataStream;
use sdk::sql::Driver;

use super::Sent;
use crate::{
    app::{App, Platform},
    range::Part,
    store::uploads::{self, CHUNK_BYTES, Place},
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>>>>;

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

pub fn whole<D: Driver, P: Platform>(
    app: &'static App<D, P>,
    mut answer: Response<Body>,
    sent: Sent,
) -> Response<Body> {
    answer.headers_mut().insert(header::CONTENT_LENGTH, sent.size.into());
    if sent.size > 0 {
        let all = Part { first: 0, last: sent.size - 1 };
        *answer.body_mut() = Body(piece(app, &sent, all));
    }
    answer
}

/// One part as it is, several as `multipart/byteranges`.
pub fn parts<D: Driver, P: Platform>(
    app: &'static App<D, P>,
    mut answer: Response<Body>,
    sent: Sent,
    parts: Vec<Part>,
) -> Response<Body> {
    *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
    if let [only] = parts.as_slice() {
        let only = *only;
        answer.headers_mut().insert(header::CONTENT_LENGTH, only.len().into());
        insert(&mut answer, header::CONTENT_RANGE, &only.content_range(sent.size));
        *answer.body_mut() = Body(piece(app, &sent, only));
        return answer;
    }
    let boundary = sdk::ids::new();
    let heads: Vec<String> = parts.iter().map(|part| part_head(&boundary, &answer, *part, sent.size)).collect();
    let end = format!("\r\n--{boundary}--\r\n");
    let length = heads.iter().map(|head| head.len() as u64).sum::<u64>()
        + parts.iter().map(|part| part.len()).sum::<u64>()
        + end.len() as u64;
    let mut pieces: Vec<Pieces> = Vec::new();
    for (head, part) in heads.into_iter().zip(parts) {
        pieces.push(Body::full(head).0);
        pieces.push(piece(app, &sent, part));
    }
    pieces.push(Body::full(end).0);
    answer.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    insert(&mut answer, header::CONTENT_TYPE, &format!("multipart/byteranges; boundary={boundary}"));
    *answer.body_mut() = Body(Box::pin(stream::iter(pieces).flatten()));
    answer
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

/// The bytes of a part. When they vanish while they are sent, the answer breaks off.
fn piece<D: Driver, P: Platform>(app: &'static App<D, P>, sent: &Sent, part: Part) -> Pieces {
    if let Some(bytes) = &sent.small {
        let (first, last) = (usize::try_from(part.first), usize::try_from(part.last));
        let slice = first.ok().zip(last.ok()).and_then(|(first, last)| bytes.get(first..=last));
        return Body::full(slice.unwrap_or_default().to_vec()).0;
    }
    let place = sent.place.clone();
    Box::pin(stream::try_unfold(part.first, move |at| {
        let place = place.clone();
        async move {
            if at > part.last {
                return Ok(None);
            }
            let bytes = slice(app, &place, at, part.last).await?;
            let next = at + bytes.len() as u64;
            Ok(Some((bytes, next)))
        }
    }))
}

/// What of the chunk with the byte `at` is wanted.
async fn slice<D: Driver, P: Platform>(app: &App<D, P>, place: &Place, at: u64, last: u64) -> Result<Bytes, BoxError> {
    let (number, offset) = (at / CHUNK_BYTES as u64, usize::try_from(at % CHUNK_BYTES as u64)?);
    let chunk = uploads::chunk(&app.database, place, number).await.map_err(|error| format!("{error:?}"))?;
    let chunk = Bytes::from(chunk.unwrap_or_default());
    let end = chunk.len().min(offset.saturating_add(usize::try_from(last - at)?.saturating_add(1)));
    if offset >= end { Err("the bytes are gone".into()) } else { Ok(chunk.slice(offset..end)) }
}
