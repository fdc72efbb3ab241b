//! Chunks in the service's own database: 256 KiB each, a few of them on their way to the disk while the next one gathers.

use std::{future::Future, pin::Pin};

use bytes::Bytes;
use futures::{FutureExt, StreamExt, stream, stream::FuturesUnordered};
use sdk::{
    Error,
    sql::{Database, Driver},
};

use super::{BoxError, Kind, Pieces, Storage, Task, Writer};
use crate::{
    range::Part,
    store::{
        self,
        uploads::{self, CHUNK_BYTES, Place},
    },
};

/// Writes of one upload at once, so that they share a commit. With the one that gathers: 1.25 MiB of memory.
const WRITES: usize = 4;

pub struct Chunks<'a, D>(pub &'a Database<D>);

impl<'a, D: Driver> Storage<'a> for Chunks<'a, D> {
    fn kind(&self) -> Kind {
        Kind::Database
    }

    fn write(&self, place: Place) -> Box<dyn Writer + 'a> {
        let writes = FuturesUnordered::new();
        Box::new(Gathering { db: self.0, place, gathering: Vec::new(), next: 0, writes })
    }

    fn write_variant(&self, _: Place, _: &'static str, bytes: Vec<u8>) -> Task<'a, Vec<u8>> {
        Box::pin(async { Ok(bytes) })
    }

    fn read(&self, place: Place, variant: Option<&'static str>, part: Part) -> Task<'a, Pieces<'a>> {
        let db = self.0;
        Box::pin(async move {
            match variant {
                None => Ok(chunks(db, place, part)),
                Some(name) => {
                    let bytes = store::media::variant(db, &place, name).await?.ok_or(Error::NotFound)?;
                    let slice = within(&Bytes::from(bytes), part.first, part.last);
                    Ok(Box::pin(stream::iter([slice])) as Pieces<'a>)
                }
            }
        })
    }
}

/// A chunk on its way to the disk.
type Write<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

struct Gathering<'a, D> {
    db: &'a Database<D>,
    place: Place,
    gathering: Vec<u8>,
    next: u32,
    writes: FuturesUnordered<Write<'a>>,
}

impl<D: Driver> Writer for Gathering<'_, D> {
    fn push<'s>(&'s mut self, mut bytes: &'s [u8]) -> Task<'s, ()> {
        Box::pin(async move {
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
        })
    }

    fn finish<'s>(&'s mut self, _: &'s str) -> Task<'s, ()> {
        Box::pin(async move {
            if !self.gathering.is_empty() {
                self.write().await?;
            }
            while let Some(written) = self.writes.next().await {
                written?;
            }
            Ok(())
        })
    }
}

impl<D: Driver> Gathering<'_, D> {
    /// Starts the write, and waits when too many are under way.
    async fn write(&mut self) -> Result<(), Error> {
        let chunk = std::mem::replace(&mut self.gathering, Vec::with_capacity(CHUNK_BYTES));
        let number = self.next;
        self.next += 1;
        let (db, place) = (self.db, self.place.clone());
        self.writes.push(Box::pin(async move { uploads::append(db, &place, number, chunk).await }));
        // Polled once, it is under way.
        while let Some(Some(written)) = self.writes.next().now_or_never() {
            written?;
        }
        while self.writes.len() >= WRITES {
            self.writes.next().await.unwrap_or(Ok(()))?;
        }
        Ok(())
    }
}

fn chunks<D: Driver>(db: &Database<D>, place: Place, part: Part) -> Pieces<'_> {
    Box::pin(stream::try_unfold(part.first, move |at| {
        let place = place.clone();
        async move {
            if at > part.last {
                return Ok(None);
            }
            let bytes = slice(db, &place, at, part.last).await?;
            let next = at + bytes.len() as u64;
            Ok(Some((bytes, next)))
        }
    }))
}

/// What of the chunk with the byte `at` is wanted.
async fn slice<D: Driver>(db: &Database<D>, place: &Place, at: u64, last: u64) -> Result<Bytes, BoxError> {
    let (number, offset) = (at / CHUNK_BYTES as u64, at % CHUNK_BYTES as u64);
    let chunk = uploads::chunk(db, place, number).await.map_err(|error| format!("{error:?}"))?;
    within(&Bytes::from(chunk.unwrap_or_default()), offset, offset.saturating_add(last - at))
}

/// From the first to the last of these bytes, as far as there are any.
fn within(bytes: &Bytes, first: u64, last: u64) -> Result<Bytes, BoxError> {
    let (first, end) = (usize::try_from(first)?, bytes.len().min(usize::try_from(last)?.saturating_add(1)));
    if first >= end { Err("the bytes are gone".into()) } else { Ok(bytes.slice(first..end)) }
}
