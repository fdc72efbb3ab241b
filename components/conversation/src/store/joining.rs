//! Joining and leaving in SQL: the participant, the conversation's new version and its event in one transaction.

use sdk::{
    Context, Micros, ids,
    sql::{Execute, SqlError},
};

use super::{by_id, changing::tell_changed, opening::add_participants};
use crate::{
    domain::{Error, Participant},
    participants::{self, Joined, NewParticipant, Step},
};

pub mod statements {
    pub const JOIN_AGAIN: &str = "UPDATE participants SET role = ?4, joined_at = ?5, left_at = NULL \
         WHERE tenant_id = ?1 AND conversation_id = ?2 AND id = ?3";
    pub const LEAVE: &str =
        "UPDATE participants SET left_at = ?4 WHERE tenant_id = ?1 AND conversation_id = ?2 AND id = ?3";
}

pub(super) async fn join(
    db: &impl Execute,
    context: &Context,
    id: &str,
    new: &NewParticipant,
    now: Micros,
) -> Result<Joined, Error> {
    let tenant = context.tenant.as_str();
    let conversation = by_id(db, tenant, id).await?;
    let was_here = |one: &Participant| one.customer_id == new.customer_id && one.left_at.is_none();
    let is_new = !conversation.participants.iter().any(was_here);
    let participant = match participants::join(&conversation, new, ids::new, now)? {
        Step::Stay(participant) => return Ok(Joined { participant, is_new }),
        Step::Join(participant) => {
            add_participants(db, tenant, id, std::slice::from_ref(&participant), now).await?;
            participant
        }
        Step::Change(participant) => {
            change(db, tenant, id, &participant).await?;
            participant
        }
    };
    tell_changed(db, context, id, now).await?;
    Ok(Joined { participant, is_new })
}

async fn change(db: &impl Execute, tenant: &str, id: &str, participant: &Participant) -> Result<(), SqlError> {
    let parameters = vec![
        tenant.into(),
        id.into(),
        (&participant.id).into(),
        participant.role.as_str().into(),
        participant.joined_at.into(),
    ];
    db.execute(statements::JOIN_AGAIN, parameters).await.map(|_| ())
}

pub(super) async fn leave(
    db: &impl Execute,
    context: &Context,
    id: &str,
    participant_id: &str,
    now: Micros,
) -> Result<(), Error> {
    let tenant = context.tenant.as_str();
    if !participants::leave(&by_id(db, tenant, id).await?, participant_id)? {
        return Ok(());
    }
    db.execute(statements::LEAVE, vec![tenant.into(), id.into(), participant_id.into(), now.into()]).await?;
    tell_changed(db, context, id, now).await
}
