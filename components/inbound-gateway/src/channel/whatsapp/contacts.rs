//! Who is on the other side of a message: the `contacts` beside it and the ids on it. None of them need be a phone number.

use serde_json::value::RawValue;

use super::CHANNEL;
use crate::channel::fields::{self, Object};
use crate::domain::{Contact, Identity};

/// The `contacts` of one change.
pub(super) struct Contacts(Vec<Profile>);

struct Profile {
    wa_id: Option<String>,
    user_id: Option<String>,
    parent_user_id: Option<String>,
    name: Option<String>,
}

impl Contacts {
    /// A contact that cannot be read is as if it were not there: the message names its sender itself.
    pub fn read(raw: &[&RawValue]) -> Self {
        Self(raw.iter().filter_map(|raw| fields::object(raw)).map(|contact| Profile::read(&contact)).collect())
    }

    /// Whom `message` names as its `from` or its `to`; `None` when nothing identifies anybody.
    pub fn party(&self, side: &str, account: &str, message: &Object) -> Option<Contact> {
        let number = phone(message, side);
        let user_id = fields::id(message, &format!("{side}_user_id")).or_else(|| fields::id(message, "user_id"));
        let profile = self.profile_of(number.as_deref(), user_id.as_deref());
        let parent = fields::id(message, &format!("{side}_parent_user_id"));
        let parent = parent.or_else(|| profile?.parent_user_id.clone());
        let names = [
            ("phone", number.or_else(|| profile?.wa_id.clone())),
            ("bsuid", user_id.or_else(|| profile?.user_id.clone())),
            ("parent-bsuid", parent),
        ];
        let identity = |(kind, value): (&'static str, Option<String>)| {
            value.map(|value| Identity { channel_account_id: account.to_owned(), kind, value })
        };
        let identities: Vec<Identity> = names.into_iter().filter_map(identity).collect();
        let name = profile.and_then(|profile| profile.name.clone());
        (!identities.is_empty()).then_some(Contact { channel: CHANNEL, identities, name })
    }

    /// By id. Where the message names nobody, the only contact is the one; with several nobody knows.
    fn profile_of(&self, number: Option<&str>, user_id: Option<&str>) -> Option<&Profile> {
        let same = |known: &Option<String>, wanted: Option<&str>| wanted.is_some() && known.as_deref() == wanted;
        let by_id = |profile: &&Profile| same(&profile.wa_id, number) || same(&profile.user_id, user_id);
        match (number.or(user_id), self.0.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(_), profiles) => profiles.iter().find(by_id),
        }
    }
}

impl Profile {
    fn read(contact: &Object) -> Self {
        let profile = contact.get("profile").and_then(|profile| profile.as_object());
        Self {
            wa_id: phone(contact, "wa_id"),
            user_id: fields::id(contact, "user_id"),
            parent_user_id: fields::id(contact, "parent_user_id"),
            name: profile.and_then(|profile| fields::name(profile, "name")),
        }
    }
}

/// A phone number as WhatsApp writes it: digits. A leading `+` does not make it another one.
fn phone(object: &Object, key: &str) -> Option<String> {
    let id = fields::id(object, key)?;
    let digits = id.trim_start_matches('+');
    (!digits.is_empty()).then(|| digits.to_owned())
}
