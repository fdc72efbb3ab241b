//! The thread of a mail: its subject, and the headers by which a reader's program shows question and answer together.

use serde_json::{Value, json};

use super::{Earlier, Failure, Outgoing};

/// Ids in `References`: the first of the thread and the latest. A header line of a mail has 998 characters at most.
const MAX_REFERENCES: usize = 12;

/// What RFC 3834 knows beside `no`.
const AUTOMATIC: [&str; 3] = ["auto-generated", "auto-replied", "auto-notified"];

/// The mail that is answered: the one that the message names, else the customer's last, else our own last.
fn parent(outgoing: &Outgoing) -> Option<&Earlier> {
    let sent = || outgoing.earlier.iter().filter(|one| !one.is_system && (one.is_inbound || one.external_id.is_some()));
    let named = outgoing.reply_to().map(bare);
    let is_named = |one: &&Earlier| named.as_ref().is_some_and(|named| id_of(one, outgoing).as_ref() == Some(named));
    sent().find(is_named).or_else(|| sent().find(|one| one.is_inbound)).or_else(|| sent().next())
}

/// `Re:` and the subject of the mail that is answered, unless the message has its own.
pub(super) fn subject(outgoing: &Outgoing) -> String {
    let parent = parent(outgoing);
    let asked = parent.filter(|parent| parent.is_inbound).and_then(|parent| parent.text("subject")).map(answering);
    let ours = || parent.and_then(|parent| parent.text("subject")).map(str::to_owned);
    let own = outgoing.string("subject").map(str::to_owned);
    let subject = own.or(asked).or_else(|| outgoing.subject.clone()).or_else(ours);
    subject.unwrap_or_else(|| "New message".to_owned()).replace(['\r', '\n'], " ")
}

/// Once only (RFC 5322, 3.6.5).
fn answering(subject: &str) -> String {
    let is_answer = subject.trim_start().get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:"));
    if is_answer { subject.to_owned() } else { format!("Re: {subject}") }
}

/// An answer by a machine to a machine would be answered again (RFC 3834, 2).
pub(super) fn refuse_loop(outgoing: &Outgoing) -> Result<(), Failure> {
    let theirs = outgoing.earlier.iter().find(|one| one.is_inbound || one.is_system);
    if outgoing.string("auto_submitted") == Some("auto-replied") && theirs.is_some_and(is_automatic) {
        let reason = "the last mail was written by a machine: automatic answers could go on for ever";
        return Err(Failure::new("auto_reply_loop", reason));
    }
    Ok(())
}

/// As the inbound side keeps it: that it is a machine's answer, the word of `Auto-Submitted`, or that of `Precedence`.
fn is_automatic(mail: &Earlier) -> bool {
    let is_submitted = mail.text("auto_submitted").is_some_and(|word| !word.trim().eq_ignore_ascii_case("no"));
    let is_bulk = mail
        .text("precedence")
        .is_some_and(|word| ["bulk", "junk", "list", "auto_reply"].iter().any(|bulk| word.eq_ignore_ascii_case(bulk)));
    is_submitted || is_bulk || mail.metadata.get("auto_reply") == Some(&Value::Bool(true))
}

pub(super) fn headers(outgoing: &Outgoing) -> Result<Vec<Value>, Failure> {
    let header = |name: &str, value: String| json!({ "Name": name, "Value": value });
    let mut headers = Vec::new();
    if let Some(answered) = answered(outgoing) {
        headers.push(header("In-Reply-To", bracketed(&answered)));
        headers.push(header("References", references(outgoing, &answered)));
    }
    // Our own, so that our next mail can name this one. Postmark keeps it only when it is asked to.
    if let Some(id) = own_id(&outgoing.message_id, &outgoing.account) {
        headers.push(header("Message-ID", bracketed(&id)));
        headers.push(header("X-PM-KeepID", "true".to_owned()));
    }
    if let Some(word) = outgoing.string("auto_submitted").filter(|word| *word != "no") {
        if !AUTOMATIC.contains(&word) {
            let reason = format!("`auto_submitted` is none of no, {}: {word}", AUTOMATIC.join(", "));
            return Err(Failure::new("header_malformed", reason));
        }
        headers.push(header("Auto-Submitted", word.to_owned()));
        // For those that do not know RFC 3834.
        headers.push(header("X-Auto-Response-Suppress", "All".to_owned()));
    }
    Ok(headers)
}

/// The id of the mail that is answered; one that is named counts also when we do not know it.
fn answered(outgoing: &Outgoing) -> Option<String> {
    outgoing.reply_to().map(bare).or_else(|| id_of(parent(outgoing)?, outgoing)).filter(|id| !id.is_empty())
}

/// What the answered mail refers to and that mail itself (RFC 5322, 3.6.4); where it does not say, what was sent before it.
fn references(outgoing: &Outgoing, answered: &str) -> String {
    let own = listed(outgoing.metadata.get("references"));
    let parent = outgoing.earlier.iter().position(|one| id_of(one, outgoing).as_deref() == Some(answered));
    let theirs =
        || parent.and_then(|at| outgoing.earlier.get(at)).map(|parent| listed(parent.metadata.get("references")));
    let before = || {
        let older = outgoing.earlier.iter().skip(parent.map_or(usize::MAX, |at| at + 1));
        older.filter_map(|one| id_of(one, outgoing)).collect::<Vec<_>>().into_iter().rev().collect()
    };
    let said = if own.is_empty() { theirs().filter(|theirs| !theirs.is_empty()) } else { Some(own) };
    let mut ids: Vec<String> = said.unwrap_or_else(before);
    ids.retain(|id| id != answered);
    ids.dedup();
    if ids.len() >= MAX_REFERENCES {
        ids.drain(1..ids.len() + 2 - MAX_REFERENCES);
    }
    ids.push(answered.to_owned());
    ids.iter().map(|id| bracketed(id)).collect::<Vec<_>>().join(" ")
}

fn listed(ids: Option<&Value>) -> Vec<String> {
    let ids = ids.and_then(Value::as_array).into_iter().flatten();
    ids.filter_map(Value::as_str).map(bare).filter(|id| !id.is_empty()).collect()
}

/// Of theirs the id that its writer gave it, of ours the one that we gave it.
fn id_of(mail: &Earlier, outgoing: &Outgoing) -> Option<String> {
    let id = match mail.is_inbound {
        _ if mail.is_system => None,
        true => mail.text("message_id").or(mail.external_id.as_deref()).map(bare),
        false => mail.external_id.as_ref().and_then(|_was_sent| own_id(&mail.id, &outgoing.account)),
    };
    id.filter(|id| !id.is_empty())
}

/// `<message>@<domain of the sender>`.
fn own_id(message_id: &str, account: &str) -> Option<String> {
    let domain = bare(account.rsplit_once('@')?.1);
    (!domain.is_empty()).then(|| format!("{message_id}@{domain}"))
}

fn bare(id: &str) -> String {
    id.chars().filter(|one| !one.is_control() && !one.is_whitespace() && !['<', '>'].contains(one)).collect()
}

fn bracketed(id: &str) -> String {
    format!("<{id}>")
}
