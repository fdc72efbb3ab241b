//! Signing in by name and password: hashed slowly, guessed slowly, and never in the way of a neighbour.

use std::time::Duration;

use super::{Denied, Memory};
use crate::clients::Outside;
use crate::keys::KeyHash;
use crate::store;
use crate::throttle::{Admission, Attempt};
use crate::users::{self, Login};

/// A user's password is hashed slowly once per instance; after that the row is read again as often as a key's is, and the
/// hash that was found to fit is compared with the row's.
pub(super) async fn sign_in<B: Outside>(
    outside: &B,
    memory: &Memory,
    source: &str,
    (login, password): (&str, &str),
) -> Result<Option<Login>, Denied> {
    let Some((tenant, username)) = users::split_login(login) else { return Ok(None) };
    let now = outside.now();
    let hash = KeyHash::of(&format!("{tenant}/{username}:{password}"));
    if let Some(known) = memory.logins.get(&hash, now) {
        return Ok(Some(known));
    }
    let found = store::users::find(outside.tables(), tenant, &username).await?;
    let attempt = Attempt { source, tenant, name: &username };
    let fits = is_known(memory, &hash, found.as_ref())
        || is_right(outside, memory, &attempt, found.as_ref(), password).await?;
    Ok(found.filter(|_| fits).inspect(|row| memory.logins.put(hash, row.clone(), now)))
}

fn is_known(memory: &Memory, hash: &KeyHash, found: Option<&Login>) -> bool {
    let known = memory.logins.get_old(hash).zip(found);
    known.is_some_and(|(known, row)| KeyHash::of(&known.password_hash).matches(&KeyHash::of(&row.password_hash)))
}

/// One that is not looked at is answered as late, and with the same words, as a wrong one: neither tells which names there are.
async fn is_right<B: Outside>(
    outside: &B,
    memory: &Memory,
    attempt: &Attempt<'_>,
    found: Option<&Login>,
    password: &str,
) -> Result<bool, Denied> {
    let Admission::Admitted { is_source_spent } = attempt.admit(outside, found.is_some()).await? else {
        outside.sleep(memory.hashing.get()).await;
        return Err(Denied::Throttled(Attempt::wait_seconds()));
    };
    let began = outside.now();
    let fits = found.map_or_else(|| nobody(password), |row| users::is_password(password, &row.password_hash));
    memory.hashing.set(Duration::from_micros(u64::try_from(outside.now() - began).unwrap_or_default()));
    match fits {
        true => attempt.forgive(outside, is_source_spent),
        false if is_source_spent => return Err(Denied::Throttled(Attempt::wait_seconds())),
        false => {}
    }
    Ok(fits)
}

/// Works as long as for somebody, so that the time of an answer does not tell which names there are.
fn nobody(password: &str) -> bool {
    let _ = users::hash_password(password);
    false
}
