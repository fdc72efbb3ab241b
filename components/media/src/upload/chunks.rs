//! A file as it arrives: cut into chunks, a few of which are on their way to the disk while the next one gathers.

use std::{future::Future, pin::Pin};

use futures::{FutureExt, StreamExt, stream::FuturesUnordered};
use http_body_util::{BodyExt, BodyStream};
use sdk::{
    Error, Problem,
    sql::{Database, Driver},
};
use sha2::{Digest, Sha256};
use spin_sdk::http::BoxBody;

use super::Refusal;
use crate::{
    sniff::HEAD_BYTES,
    store::uploads::{self, CHUNK_BYTES, Place},
};

/// Writes of one upload at once, so that they share a commit. With the one that gathers: 1.25 MiB of memory.
const WRITES: usize = 4;

/// What has arrived in full.
pub struct Received {
    /// Its first bytes.
    pub head: Vec<u8>,
    /// In lower-case hexadecimal digits.
    pub sha256: String,
    pub size: u64,
}

/// A chunk on its way to the disk.
type Write<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

pub struct Chunks<'a, D> {
    db: &'a Database<D>,
    place: &'a Place,
    limit: u64,
    gathering: Vec<u8>,
    next: u32,
    writes: FuturesUnordered<Write<'a>>,
    hash: Sha256,
    head: Vec<u8>,
    size: u64,
}

impl<'a, D: Driver> Chunks<'a, D> {
    /// At most `limit` bytes will be taken.
    pub fn new(db: &'a Database<D>, place: &'a Place, limit: u64) -> Self {
        Self {
            db,
            place,
            limit,
            gathering: Vec::new(),
            next: 0,
            writes: FuturesUnordered::new(),
            hash: Sha256::new(),
            head: Vec::new(),
            size: 0,
        }
    }

    pub async fn push(&mut self, mut bytes: &[u8]) -> Result<(), Refusal> {
        self.size += bytes.len() as u64;
        if self.size > self.limit {
            return Err(Problem::too_large(usize::try_from(self.limit).unwrap_or(usize::MAX)).into());
        }
        self.hash.update(bytes);
        let missing = HEAD_BYTES.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(bytes.get(..missing).unwrap_or_default());
        while !bytes.is_empty() {
            let room = CHUNK_BYTES.saturating_sub(self.gathering.len()).min(bytes.len());
            let (now, later) = bytes.split_at(room);
            self.gathering.extend_from_slice(now);
            bytes = later;
            if self.gathering.len() == CHUNK_BYTES {
                self.write().await?;
            }
        }
        Ok(())
    }

    /// Starts the write, and waits when too many are under way.
    async fn write(&mut self) -> Result<(), Error> {
        let chunk = std::mem::replace(&mut self.gathering, Vec::with_capacity(CHUNK_BYTES));
        let number = self.next;
        self.next += 1;
        self.writes.push(Box::pin(uploads::append(self.db, self.place, number, chunk)));
        // Polled once, it is under way.
        while let Some(Some(written)) = self.writes.next().now_or_never() {
            written?;
        }
        while self.writes.len() >= WRITES {
            self.writes.next().await.unwrap_or(Ok(()))?;
        }
        Ok(())
    }

    /// Every byte is on the disk when it returns.
    pub async fn finish(mut self) -> Result<Received, Refusal> {
        if !self.gathering.is_empty() {
            self.write().await?;
        }
        while let Some(written) = self.writes.next().await {
            written?;
        }
        Ok(Received { head: self.head, sha256: hex::encode(self.hash.finalize()), size: self.size })
    }
}

/// A body that is the file.
pub async fn whole<D: Driver>(mut chunks: Chunks<'_, D>, body: BoxBody) -> Result<Received, Refusal> {
    let mut body = BodyStream::new(body.map_frame(|frame| frame));
    while let Some(frame) = body.next().await {
        let frame = frame.map_err(|_| Problem::unreadable("the body ended early"))?;
        if let Ok(bytes) = frame.into_data() {
            chunks.push(&bytes).await?;
        }
    }
    chunks.finish().await
}
