//! Whose words a mail is: the author's, whom `Reply-To` names where answers are to go elsewhere than to `From` (RFC 5322 3.6.2). A contact
//! form's mail comes from the form and is the visitor's.

use super::names::{Mailbox, header};
use super::{MAX_LISTED, either};
use crate::channel::fields::Object;

/// Who wrote the mail, and from which other address it came.
pub(super) struct Sender {
    pub author: Mailbox,
    pub sent_from: Option<String>,
}

/// `None` when nobody sent it.
pub(super) fn read(mail: &Object, account: &str) -> Option<Sender> {
    let from = either(mail, &["from", "FromFull", "From"]).and_then(Mailbox::read)?;
    let asked = if is_from_a_list(mail) { Vec::new() } else { reply_to(mail) };
    let ours = recipients(mail);
    let is_ours = |mailbox: &Mailbox| mailbox.address == account || ours.contains(&mailbox.address);
    if asked.iter().any(|mailbox| mailbox.address == from.address) {
        return Some(Sender { author: from, sent_from: None });
    }
    // An answer to ourselves would be a question again.
    match asked.into_iter().find(|mailbox| !is_ours(mailbox)) {
        Some(author) => Some(Sender { author, sent_from: Some(from.address) }),
        None => Some(Sender { author: from, sent_from: None }),
    }
}

fn reply_to(mail: &Object) -> Vec<Mailbox> {
    let told = either(mail, &["reply_to", "ReplyTo"]).map(|value| Mailbox::all(value, MAX_LISTED));
    let told = told.filter(|found| !found.is_empty());
    told.or_else(|| Some(Mailbox::all(&header(mail, "Reply-To")?.into(), MAX_LISTED))).unwrap_or_default()
}

/// Its `Reply-To` is the list, not who wrote.
fn is_from_a_list(mail: &Object) -> bool {
    ["List-Id", "List-Post"].iter().any(|name| header(mail, name).is_some())
}

fn recipients(mail: &Object) -> Vec<String> {
    let names: [&[&str]; 3] = [&["recipient", "OriginalRecipient"], &["to", "ToFull", "To"], &["cc", "CcFull", "Cc"]];
    let listed = names.into_iter().filter_map(|names| either(mail, names));
    listed.flat_map(|value| Mailbox::all(value, MAX_LISTED)).map(|mailbox| mailbox.address).collect()
}
