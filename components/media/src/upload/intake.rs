//! A file as it arrives: counted, hashed, its head looked at, and handed on to where it is kept.

use futures::StreamExt;
use http_body_util::{BodyExt, BodyStream};
use sdk::Problem;
use sha2::{Digest, Sha256};
use spin_sdk::http::BoxBody;

use super::Refusal;
use crate::{sniff::HEAD_BYTES, storage::Writer};

/// What has arrived in full.
pub struct Received {
    /// Its first bytes.
    pub head: Vec<u8>,
    /// In lower-case hexadecimal digits.
    pub sha256: String,
    pub size: u64,
}

pub struct Intake<'a> {
    writer: Box<dyn Writer + 'a>,
    limit: u64,
    hash: Sha256,
    head: Vec<u8>,
    size: u64,
}

impl<'a> Intake<'a> {
    /// At most `limit` bytes will be taken.
    pub fn new(writer: Box<dyn Writer + 'a>, limit: u64) -> Self {
        Self { writer, limit, hash: Sha256::new(), head: Vec::new(), size: 0 }
    }

    pub async fn push(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.size += bytes.len() as u64;
        if self.size > self.limit {
            return Err(Problem::too_large(usize::try_from(self.limit).unwrap_or(usize::MAX)).into());
        }
        self.hash.update(bytes);
        let missing = HEAD_BYTES.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..missing).unwrap_or_default());
        Ok(self.writer.push(bytes).await?)
    }

    /// Every byte is durable when it returns.
    pub async fn finish(mut self) -> Result<Received, Refusal> {
        let sha256 = hex::encode(self.hash.finalize());
        if self.size > 0 {
            self.writer.finish(&sha256).await?;
        }
        Ok(Received { head: self.head, sha256, size: self.size })
    }
}

/// A body that is the file.
pub async fn whole(mut intake: Intake<'_>, body: BoxBody) -> Result<Received, Refusal> {
    let mut body = BodyStream::new(body.map_frame(|frame| frame));
    while let Some(frame) = body.next().await {
        let frame = frame.map_err(|_| Problem::unreadable("the body ended early"))?;
        if let Ok(bytes) = frame.into_data() {
            intake.push(&bytes).await?;
        }
    }
    intake.finish().await
}
