//! Who takes part: joining, and leaving without being forgotten.

use sdk::Micros;

use crate::domain::{Conversation, Error, Kind, MAX_PARTICIPANTS, Participant, Role};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewParticipant {
    pub customer_id: String,
    /// Absent: a member; who takes part already keeps the role.
    pub role: Option<Role>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    pub participant: Participant,
    /// False for who took part already.
    pub is_new: bool,
}

/// What joining comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Never seen here before.
    Join(Participant),
    /// Left once, or takes another role.
    Change(Participant),
    /// There is nothing to do.
    Stay(Participant),
}

pub fn join(
    conversation: &Conversation,
    new: &NewParticipant,
    new_id: impl FnOnce() -> String,
    now: Micros,
) -> Result<Step, Error> {
    refuse_direct(conversation, "a direct conversation stays between its two: open a group")?;
    let role = |before: Role| new.role.unwrap_or(before);
    let known = conversation.participants.iter().find(|one| one.customer_id == new.customer_id);
    match known {
        Some(known) if known.left_at.is_none() => {
            let after = Participant { role: role(known.role), ..known.clone() };
            return Ok(if after == *known { Step::Stay(after) } else { Step::Change(after) });
        }
        _ if conversation.participants.len() >= MAX_PARTICIPANTS && known.is_none() => {
            return Err(Error::Conflict(format!("a conversation has at most {MAX_PARTICIPANTS} participants")));
        }
        _ => {}
    }
    Ok(match known {
        Some(known) => {
            Step::Change(Participant { role: role(Role::Member), joined_at: now, left_at: None, ..known.clone() })
        }
        None => Step::Join(Participant {
            id: new_id(),
            customer_id: new.customer_id.clone(),
            role: role(Role::Member),
            joined_at: now,
            left_at: None,
        }),
    })
}

/// Whether there is something to write: who has left stays as it left.
pub fn leave(conversation: &Conversation, participant_id: &str) -> Result<bool, Error> {
    let known = conversation.participants.iter().find(|one| one.id == participant_id).ok_or(Error::NotFound)?;
    refuse_direct(conversation, "nobody leaves a direct conversation: close it")?;
    Ok(known.left_at.is_none())
}

fn refuse_direct(conversation: &Conversation, why: &str) -> Result<(), Error> {
    if conversation.kind == Kind::Direct { Err(Error::Conflict(why.to_owned())) } else { Ok(()) }
}
