//! Attachments: what is known of one, of the bytes that it shows, and of the pictures that were made of them.

use sdk::{Context, Micros};
pub use sdk::{Error, invalid};

use crate::storage::Kind;

pub const MAX_IDS: usize = 500;
pub const MAX_OWNER: usize = 64;
pub const MAX_REFERENCE: usize = 512;
pub const MAX_FAILURE: usize = 500;
/// The only variant today: at most 320 pixels each way, the right way up, without the original's metadata.
pub const THUMBNAIL: &str = "thumbnail";

sdk::words!(Status { Pending = "pending", Ready = "ready", Failed = "failed" });

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    pub id: String,
    pub status: Status,
    pub failure: Option<String>,
    pub conversation_id: Option<String>,
    pub owner_service: Option<String>,
    pub filename: String,
    /// Absent until the bytes are here.
    pub content: Option<Content>,
    pub created_at: Micros,
    pub updated_at: Micros,
}

/// Bytes that are here in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    pub id: String,
    /// In lower-case hexadecimal digits.
    pub sha256: String,
    pub size: u64,
    /// By the bytes, not by what somebody said.
    pub mime_type: String,
    /// Of a picture, the right way up.
    pub dimensions: Option<(u32, u32)>,
    pub storage: Kind,
    pub variants: Vec<Variant>,
}

impl Content {
    pub fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }
}

/// A picture made of a picture; its bytes are in a row of their own.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Variant {
    pub name: String,
    pub mime_type: String,
    pub width: u32,
    pub height: u32,
    pub size: u64,
}

/// What an uploader says of a file beside its bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    pub filename: String,
    pub conversation_id: Option<String>,
    pub owner_service: Option<String>,
}

/// Bytes that have arrived under an upload's id, and what was found out about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    pub upload: String,
    pub sha256: String,
    pub size: u64,
    pub mime_type: String,
    pub dimensions: Option<(u32, u32)>,
    pub storage: Kind,
    pub thumbnail: Option<Kept>,
}

/// A thumbnail as the database keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub mime_type: &'static str,
    pub width: u32,
    pub height: u32,
    pub size: u64,
    /// None, when they are in the bucket.
    pub bytes: Vec<u8>,
}

/// An attachment that a caller announces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub reference: String,
    pub conversation_id: Option<String>,
    pub filename: Option<String>,
}

/// Checks what a caller announces, and makes its name safe.
pub fn check_expected(_context: &Context, expected: Vec<Expected>) -> Result<Vec<Expected>, Error> {
    if expected.len() > MAX_IDS {
        return Err(invalid("expected", format!("at most {MAX_IDS}")));
    }
    let check = |mut one: Expected| {
        if one.reference.is_empty() || one.reference.len() > MAX_REFERENCE {
            return Err(invalid("reference", format!("must have 1 to {MAX_REFERENCE} bytes")));
        }
        one.conversation_id = one.conversation_id.map(|id| conversation_id(&id)).transpose()?;
        one.filename = one.filename.map(|name| crate::filename::safe(&name));
        Ok(one)
    };
    expected.into_iter().map(check).collect()
}

pub fn conversation_id(text: &str) -> Result<String, Error> {
    sdk::ids::parse(text).ok_or_else(|| invalid("conversation_id", "is not a UUID"))
}

pub fn owner_service(text: &str) -> Result<String, Error> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if (1..=MAX_OWNER).contains(&text.len()) && text.bytes().all(plain) {
        Ok(text.to_owned())
    } else {
        Err(invalid("owner_service", format!("must be 1 to {MAX_OWNER} letters, digits, `-`, `_` or `.`")))
    }
}
