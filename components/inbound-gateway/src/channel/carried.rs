//! Files that a webhook's body carries, as base64 in a member of its JSON: cut out while the body is read, so that neither the words' parser
//! nor the raw delivery ever has them. In their place stays a short text that says which file it was.

mod base64;
pub mod cutter;

use serde_json::Value;

pub use cutter::{Cutter, Piece};

/// More files than this are not kept; no mail service sends as many.
pub const MAX_FILES: u32 = 100;

/// What stands in place of a file's bytes. Whatever stood there before is cut, so that nobody else can have written it.
const MARK: &str = "kobliat-file:";

/// A file that was cut out of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carried {
    /// Counted from 0 in its body.
    pub file: u32,
    pub size: u64,
}

impl Carried {
    fn mark(self) -> String {
        format!("{MARK}{}:{}", self.file, self.size)
    }

    /// What is known of the file, and which one it is.
    pub fn beside(self, mut described: Value) -> Value {
        if let Some(described) = described.as_object_mut() {
            described.insert("size".to_owned(), self.size.into());
            described.insert("file".to_owned(), self.file.into());
        }
        described
    }
}

/// The file in whose place this stands.
pub fn read(value: &Value) -> Option<Carried> {
    let (file, size) = value.as_str()?.strip_prefix(MARK)?.split_once(':')?;
    Some(Carried { file: file.parse().ok()?, size: size.parse().ok()? })
}

/// Where files may stand in a body: names of members, and `*` for any element of a list.
pub type Places = &'static [&'static [&'static str]];
