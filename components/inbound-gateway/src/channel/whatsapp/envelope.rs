//! Taking a delivery apart: `entry × changes × (messages | message_echoes | statuses | errors)`, one level at a time.
//!
//! Every level is read on its own and keeps the rest as raw text, so that one malformed item costs nothing but itself,
//! unknown fields cost nothing at all, and a hostile body never becomes a tree in memory.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::contacts::Contacts;
use crate::channel::fields::{list, shape};
use crate::channel::{Unreadable, fields};

/// Meta batches up to 1,000 updates. Ten times that does not fit into its 3 MB either, so whoever sends more is not Meta.
pub const MAX_ITEMS: usize = 10_000;

/// A signed body, taken apart.
pub struct Envelope<'a> {
    pub(super) parts: Vec<Part<'a>>,
}

/// What stood at one place of the envelope.
pub(super) struct Part<'a> {
    pub at: String,
    pub what: What<'a>,
}

pub(super) enum What<'a> {
    Change(Box<Change<'a>>),
    Malformed(&'static str),
    Unknown(&'static str),
}

/// One `change`: what happened to one of our accounts.
pub(super) struct Change<'a> {
    pub field: String,
    pub account: Option<String>,
    pub contacts: Contacts,
    pub lists: Vec<(&'static str, Result<Vec<&'a RawValue>, ()>)>,
}

#[derive(Deserialize)]
struct Root<'a> {
    #[serde(borrow)]
    entry: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    changes: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct RawChange<'a> {
    #[serde(borrow)]
    field: Option<&'a RawValue>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ChangeValue<'a> {
    #[serde(borrow)]
    metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    contacts: Option<&'a RawValue>,
    #[serde(borrow)]
    messages: Option<&'a RawValue>,
    #[serde(borrow)]
    message_echoes: Option<&'a RawValue>,
    #[serde(borrow)]
    statuses: Option<&'a RawValue>,
    #[serde(borrow)]
    errors: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    /// Reads the whole body's syntax and the envelope's structure; the items stay raw.
    pub fn read(body: &'a [u8]) -> Result<Self, Unreadable> {
        let whole = fields::document(body).ok_or(Unreadable::Malformed)?;
        let mut reader = Reader { parts: Vec::new(), room: MAX_ITEMS };
        reader.root(whole)?;
        Ok(Self { parts: reader.parts })
    }

    /// The accounts that the body names, each once, in order of appearance.
    pub fn accounts(&self) -> Vec<String> {
        let mut accounts = Vec::new();
        for part in &self.parts {
            if let What::Change(change) = &part.what
                && let Some(account) = &change.account
                && !accounts.contains(account)
            {
                accounts.push(account.clone());
            }
        }
        accounts
    }
}

struct Reader<'a> {
    parts: Vec<Part<'a>>,
    room: usize,
}

impl<'a> Reader<'a> {
    fn root(&mut self, raw: &'a RawValue) -> Result<(), Unreadable> {
        let Some(Root { entry: Some(entries) }) = shape(raw) else {
            return self.push("", What::Unknown("no_entry"));
        };
        let Some(entries) = list(entries) else {
            return self.push("/entry", What::Malformed("entry_malformed"));
        };
        self.charge(entries.len())?;
        entries.into_iter().enumerate().try_for_each(|(n, entry)| self.entry(&format!("/entry/{n}"), entry))
    }

    fn entry(&mut self, at: &str, raw: &'a RawValue) -> Result<(), Unreadable> {
        let Some(Entry { changes }) = shape(raw) else {
            return self.push(at, What::Malformed("entry_malformed"));
        };
        let Some(changes) = changes else {
            return self.push(at, What::Unknown("no_changes"));
        };
        let Some(changes) = list(changes) else {
            return self.push(at, What::Malformed("changes_malformed"));
        };
        self.charge(changes.len())?;
        changes.into_iter().enumerate().try_for_each(|(n, change)| self.change(&format!("{at}/changes/{n}"), change))
    }

    fn change(&mut self, at: &str, raw: &'a RawValue) -> Result<(), Unreadable> {
        let Some(RawChange { field: Some(field), value: Some(value) }) = shape(raw) else {
            return self.push(at, What::Malformed("change_malformed"));
        };
        let Some(field) = shape::<String>(field) else {
            return self.push(at, What::Malformed("field_malformed"));
        };
        let Some(value) = shape::<ChangeValue>(value) else {
            return self.push(at, What::Malformed("value_malformed"));
        };
        let change = self.value(field, &value)?;
        self.push(at, What::Change(Box::new(change)))
    }

    fn value(&mut self, field: String, value: &ChangeValue<'a>) -> Result<Change<'a>, Unreadable> {
        let account =
            value.metadata.and_then(fields::object).and_then(|metadata| fields::id(&metadata, "phone_number_id"));
        let contacts = value.contacts.and_then(list).unwrap_or_default();
        self.charge(contacts.len())?;
        let mut lists = Vec::new();
        let known = [
            ("messages", value.messages),
            ("message_echoes", value.message_echoes),
            ("statuses", value.statuses),
            ("errors", value.errors),
        ];
        for (name, raw) in known.into_iter().filter_map(|(name, raw)| Some((name, raw?))) {
            let items = list(raw).ok_or(());
            self.charge(items.as_ref().map_or(0, Vec::len))?;
            lists.push((name, items));
        }
        Ok(Change { field, account, contacts: Contacts::read(&contacts), lists })
    }

    fn push(&mut self, at: &str, what: What<'a>) -> Result<(), Unreadable> {
        self.parts.push(Part { at: at.to_owned(), what });
        Ok(())
    }

    fn charge(&mut self, items: usize) -> Result<(), Unreadable> {
        self.room = self.room.checked_sub(items).ok_or(Unreadable::TooManyItems)?;
        Ok(())
    }
}
