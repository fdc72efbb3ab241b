//! Files that a webhook carried in its body: stored apart from the delivery, before it, in pieces; and gathered into pieces of one size.

use std::cell::RefCell;

use super::Platform;
use super::delivery::DEFAULT_TENANT;
use crate::channel::carried::Piece;

/// A file is stored in pieces of this size, of which one is in memory at a time.
const PIECE_BYTES: usize = 256 << 10;

/// A delivery that has files, or will have been one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub tenant: String,
    pub delivery: String,
}

/// A stretch of a file, as it is stored.
#[derive(Debug, PartialEq, Eq)]
pub struct Stretch {
    pub file: u32,
    /// Counted from 0 in its file.
    pub number: u32,
    pub bytes: Vec<u8>,
}

/// Where they are. The errors are for the log.
#[expect(async_fn_in_trait, reason = "a guest has one thread; a Send bound would only shut out its futures")]
pub trait Files {
    /// From here on the sweep removes what is stored for it, unless its delivery is stored, too.
    async fn begin_files(&self, holder: &Holder, now: i64) -> Result<(), String>;
    async fn put_file(&self, holder: &Holder, stretch: Stretch) -> Result<(), String>;
    /// They are another tenant's: the signature has been checked since they came.
    async fn give_files(&self, holder: &Holder, tenant: &str) -> Result<(), String>;
    /// The delivery is there: its files stay as long as it does.
    async fn settle_files(&self, holder: &Holder) -> Result<(), String>;
    async fn drop_files(&self, holder: &Holder) -> Result<(), String>;
    /// In bytes; `None` when it is not there.
    async fn file_size(&self, holder: &Holder, file: u32) -> Result<Option<u64>, String>;
    async fn file_stretch(&self, holder: &Holder, file: u32, number: u32) -> Result<Option<Vec<u8>>, String>;
    /// Removes what was begun before and came to nothing. Answers how many deliveries' files went.
    async fn sweep_files(&self, before: i64, limit: u32) -> Result<u64, String>;
}

/// The files that came along in the body, of which the payload has none any more.
#[derive(Debug, Default)]
pub enum Carried {
    #[default]
    None,
    /// Stored as they came, for the delivery that will have this id, under the tenant `default`.
    Staged(String),
    /// Here, because they are small: they are stored once the signature has been checked.
    Here(Vec<Piece>),
}

/// What becomes of the files of a delivery that is about to be stored.
pub struct Keeping<'a, P> {
    platform: &'a P,
    delivery: &'a str,
    /// Whose they are by now, when they are stored.
    tenant: RefCell<Option<String>>,
    here: RefCell<Vec<Piece>>,
}

impl<'a, P: Platform> Keeping<'a, P> {
    pub fn of(platform: &'a P, delivery: &'a str, files: Carried) -> Self {
        let (tenant, here) = match files {
            Carried::None => (None, Vec::new()),
            Carried::Staged(_) => (Some(DEFAULT_TENANT.to_owned()), Vec::new()),
            Carried::Here(pieces) => (None, pieces),
        };
        Self { platform, delivery, tenant: RefCell::new(tenant), here: RefCell::new(here) }
    }

    /// They are stored, and this tenant's, when it answers. Safe to repeat, with another tenant too.
    pub async fn keep(&self, tenant: &str) -> Result<(), String> {
        let store = self.platform.store();
        let pieces = self.here.take();
        if !pieces.is_empty() {
            let holder = self.holder(tenant);
            self.tenant.replace(Some(tenant.to_owned()));
            store.begin_files(&holder, self.platform.now()).await?;
            let mut gathering = Gathering::default();
            for piece in pieces {
                for stretch in gathering.add(piece) {
                    store.put_file(&holder, stretch).await?;
                }
            }
            if let Some(last) = gathering.take() {
                store.put_file(&holder, last).await?;
            }
        }
        let theirs = self.tenant.borrow().clone().filter(|theirs| theirs != tenant);
        if let Some(theirs) = theirs {
            store.give_files(&self.holder(&theirs), tenant).await?;
            self.tenant.replace(Some(tenant.to_owned()));
        }
        Ok(())
    }

    pub async fn settle(&self) -> Result<(), String> {
        let tenant = self.tenant.borrow().clone();
        match tenant {
            Some(tenant) => self.platform.store().settle_files(&self.holder(&tenant)).await,
            None => Ok(()),
        }
    }

    /// The delivery was not stored. What cannot be removed now is left to the sweep.
    pub async fn drop(&self) {
        let tenant = self.tenant.borrow().clone();
        if let Some(tenant) = tenant {
            let _ = self.platform.store().drop_files(&self.holder(&tenant)).await;
        }
    }

    fn holder(&self, tenant: &str) -> Holder {
        Holder { tenant: tenant.to_owned(), delivery: self.delivery.to_owned() }
    }
}

/// Pieces as they were cut become stretches of one size.
#[derive(Default)]
pub struct Gathering {
    file: u32,
    number: u32,
    bytes: Vec<u8>,
}

impl Gathering {
    /// What is to be stored now.
    pub fn add(&mut self, piece: Piece) -> Vec<Stretch> {
        let mut full = Vec::new();
        if piece.file != self.file {
            full.extend(self.take());
            (self.file, self.number) = (piece.file, 0);
        }
        let mut rest = piece.bytes.as_slice();
        while !rest.is_empty() {
            let room = PIECE_BYTES.saturating_sub(self.bytes.len()).min(rest.len());
            let (now, later) = rest.split_at(room);
            self.bytes.extend_from_slice(now);
            rest = later;
            if self.bytes.len() >= PIECE_BYTES {
                full.extend(self.take());
            }
        }
        full
    }

    /// The last of it.
    pub fn take(&mut self) -> Option<Stretch> {
        let bytes = std::mem::take(&mut self.bytes);
        let stretch = Stretch { file: self.file, number: self.number, bytes };
        self.number += 1;
        (!stretch.bytes.is_empty()).then_some(stretch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_of_one_size_and_of_one_file() {
        let mut gathering = Gathering::default();
        let mut stretches = Vec::new();
        for (file, size) in [(0, 1), (0, 2), (0, 2 * PIECE_BYTES), (2, 5), (3, PIECE_BYTES), (4, 0), (5, 1)] {
            stretches.extend(gathering.add(Piece { file, bytes: vec![7; size] }));
        }
        stretches.extend(gathering.take());
        assert_eq!(gathering.take(), None);
        let shape: Vec<_> = stretches.iter().map(|one| (one.file, one.number, one.bytes.len())).collect();
        let whole = PIECE_BYTES;
        assert_eq!(shape, [(0, 0, whole), (0, 1, whole), (0, 2, 3), (2, 0, 5), (3, 0, whole), (5, 0, 1)]);
    }
}
