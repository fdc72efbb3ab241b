//! Where the bytes of files are: in chunks in the service's own database, or in a bucket of a store that speaks S3. What is new goes where
//! the variable `media_storage` says; what is there is read from where its row says it is.

mod database;
pub mod s3;
mod sweeping;

use std::pin::Pin;

use bytes::Bytes;
use futures::{Stream, future::LocalBoxFuture};
use sdk::{Error, sql::Driver};

pub use sweeping::{clear, sweep};

use crate::{
    app::{App, Platform},
    range::Part,
    store::uploads::Place,
};

sdk::words!(Kind { Database = "database", S3 = "s3" });

pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// Bytes as they are read.
pub type Pieces<'a> = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + 'a>>;
pub type Task<'a, T> = LocalBoxFuture<'a, Result<T, Error>>;

/// A place for bytes. Whatever it holds has a row: of a content, or of an upload that has not ended, by which it is found and removed.
pub trait Storage<'a> {
    fn kind(&self) -> Kind;

    /// Takes a file as it arrives.
    fn write(&self, place: Place) -> Box<dyn Writer + 'a>;

    /// Keeps a picture that was made of the file; answers what of its bytes the database is to keep.
    fn write_variant(&self, place: Place, name: &'static str, bytes: Vec<u8>) -> Task<'a, Vec<u8>>;

    /// A part of the file, or of a variant of it. An error that comes before the first byte is the answer's.
    fn read(&self, place: Place, variant: Option<&'static str>, part: Part) -> Task<'a, Pieces<'a>>;
}

/// Of one file. What is written and not finished is left to the sweep.
pub trait Writer {
    fn push<'s>(&'s mut self, bytes: &'s [u8]) -> Task<'s, ()>;

    /// Every byte is durable when it returns. `sha256`: of the whole file, in hexadecimal digits.
    fn finish<'s>(&'s mut self, sha256: &'s str) -> Task<'s, ()>;
}

impl<D: Driver, P: Platform> App<D, P> {
    /// Where new files go.
    pub async fn storage(&self) -> Result<Box<dyn Storage<'_> + '_>, Error> {
        self.storage_of(self.kind().await.map_err(Error::Internal)?).await
    }

    /// An error names the variable.
    pub async fn kind(&self) -> Result<Kind, String> {
        let named = self.platform.setting("media_storage").await;
        let kind = named.as_deref().map_or(Some(Kind::Database), Kind::parse);
        kind.ok_or_else(|| format!("variable `media_storage` is `{}`, not database or s3", named.unwrap_or_default()))
    }

    /// Where files of this kind are.
    pub async fn storage_of(&self, kind: Kind) -> Result<Box<dyn Storage<'_> + '_>, Error> {
        Ok(match kind {
            Kind::Database => Box::new(database::Chunks(&self.database)),
            Kind::S3 => Box::new(s3::Objects { app: self, bucket: s3::bucket(self).await? }),
        })
    }
}
