//! A body that is compressed on its way. What its component has said so far goes out when it pauses, so that a stream stays one.

use super::Coding;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use kobliat_engine::Body;
use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi_http::Error;

/// What one poll compresses at most: a millisecond's work.
const STEP: usize = 32 << 10;

/// So much is worth a frame of its own.
const FRAME: usize = 16 << 10;

/// Levels for answers that are made anew each time: most of the gain, a fraction of the time.
const GZIP_LEVEL: u32 = 5;
const BROTLI_LEVEL: u32 = 4;
const ZSTD_LEVEL: i32 = 3;

/// 256 KiB, which bounds the memory of both sides.
const WINDOW_BITS: u32 = 18;

pub(super) enum Encoder {
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    pub fn new(coding: Coding) -> io::Result<Self> {
        Ok(match coding {
            Coding::Gzip => Self::Gzip(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL))),
            Coding::Brotli => {
                Self::Brotli(Box::new(brotli::CompressorWriter::new(Vec::new(), 4096, BROTLI_LEVEL, WINDOW_BITS)))
            }
            Coding::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?;
                encoder.window_log(WINDOW_BITS)?;
                Self::Zstd(encoder)
            }
        })
    }

    fn write(&mut self, data: &[u8]) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.write_all(data),
            Self::Brotli(encoder) => encoder.write_all(data),
            Self::Zstd(encoder) => encoder.write_all(data),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Gzip(encoder) => encoder.flush(),
            Self::Brotli(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }

    fn out(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Gzip(encoder) => encoder.get_mut(),
            Self::Brotli(encoder) => encoder.get_mut(),
            Self::Zstd(encoder) => encoder.get_mut(),
        }
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Brotli(encoder) => Ok(encoder.into_inner()),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

pub(super) struct Compressed {
    body: Body,
    /// `None` once it has ended.
    encoder: Option<Encoder>,
    /// What has come and is not compressed yet.
    input: Bytes,
    /// Something is in the encoder that has not gone out.
    holds_back: bool,
    trailers: Option<Frame<Bytes>>,
    _place: OwnedSemaphorePermit,
}

type Next = Option<Result<Frame<Bytes>, Error>>;

impl Compressed {
    pub fn new(body: Body, encoder: Encoder, place: OwnedSemaphorePermit) -> Self {
        Self { body, encoder: Some(encoder), input: Bytes::new(), holds_back: false, trailers: None, _place: place }
    }

    /// Compresses a part of what has come; `Some` when it made enough for a frame.
    fn step(&mut self) -> io::Result<Option<Frame<Bytes>>> {
        let Some(encoder) = &mut self.encoder else { return Ok(None) };
        let part = self.input.split_to(self.input.len().min(STEP));
        encoder.write(&part)?;
        self.holds_back = true;
        Ok((encoder.out().len() >= FRAME).then(|| Frame::data(std::mem::take(encoder.out()).into())))
    }

    fn flush(&mut self) -> io::Result<Option<Frame<Bytes>>> {
        self.holds_back = false;
        let Some(encoder) = &mut self.encoder else { return Ok(None) };
        encoder.flush()?;
        let out = std::mem::take(encoder.out());
        Ok((!out.is_empty()).then(|| Frame::data(out.into())))
    }

    fn finish(&mut self) -> Poll<Next> {
        let Some(encoder) = self.encoder.take() else { return Poll::Ready(None) };
        match encoder.finish() {
            Ok(out) if out.is_empty() => Poll::Ready(self.trailers.take().map(Ok)),
            Ok(out) => Poll::Ready(Some(Ok(Frame::data(out.into())))),
            Err(error) => Poll::Ready(Some(Err(broken(&error)))),
        }
    }
}

/// Writing into memory does not fail; a fault of the encoder ends the answer so that it does not look whole.
fn broken(error: &io::Error) -> Error {
    Error::InternalError(Some(format!("failed to compress an answer: {error}")))
}

impl HttpBody for Compressed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Next> {
        if self.encoder.is_none() {
            return Poll::Ready(self.trailers.take().map(Ok));
        }
        let mut steps = 0;
        loop {
            if !self.input.is_empty() {
                match self.step() {
                    Ok(None) if steps < 2 => steps += 1,
                    // Others have waited for it.
                    Ok(None) => {
                        context.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    Ok(Some(frame)) => return Poll::Ready(Some(Ok(frame))),
                    Err(error) => return Poll::Ready(Some(Err(broken(&error)))),
                }
                continue;
            }
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.input = data,
                    Err(trailers) => {
                        self.trailers = Some(trailers);
                        return self.finish();
                    }
                },
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                Poll::Ready(None) => return self.finish(),
                Poll::Pending if self.holds_back => match self.flush() {
                    Ok(None) => return Poll::Pending,
                    Ok(Some(frame)) => return Poll::Ready(Some(Ok(frame))),
                    Err(error) => return Poll::Ready(Some(Err(broken(&error)))),
                },
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.encoder.is_none() && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
