//! A version of a component: what it is made of, and since when it runs.

use crate::instances::Runnable;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// SHA-256 of the component's own bytes, without what is composed into it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(String);

impl Digest {
    pub fn of(wasm: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(wasm)))
    }

    /// `None` when it is not one: it names a file.
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        (text.len() == 64 && is_hex).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As people read it.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())
    }
}

#[derive(Clone)]
pub struct Version {
    pub digest: Digest,
    /// Counts the changes of this component since the host started; 1 is what it started with.
    pub number: u32,
    pub since: SystemTime,
    pub runnable: Arc<Runnable>,
    /// It is what the manifest's source was when it was taken; the other kind was given by an operator.
    pub follows_manifest: bool,
}

impl Version {
    pub fn new(digest: Digest, number: u32, runnable: Arc<Runnable>, follows_manifest: bool) -> Self {
        Self { digest, number, since: SystemTime::now(), runnable, follows_manifest }
    }
}
