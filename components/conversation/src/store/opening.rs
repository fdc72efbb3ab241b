//! Opening a conversation: the row, its participants, and what happens when the direct one is there already.

use sdk::{
    Context, Micros, etag, ids, outbox,
    sql::{self, Execute, SqlError},
};
use serde_json::json;

use super::{by_direct_key, texts};
use crate::{
    domain::{Conversation, Created, NewConversation, Participant, Role, Status},
    events,
};

pub mod statements {
    pub const REOPEN: &str =
        "UPDATE conversations SET status = 'open', updated_at = ?3 WHERE tenant_id = ?1 AND id = ?2";
}

/// In a transaction. The unique index decides who comes first.
pub(super) async fn open(
    db: &impl Execute,
    context: &Context,
    new: &NewConversation,
    now: Micros,
) -> Result<Created, SqlError> {
    let tenant = context.tenant.as_str();
    let conversation = as_opened(new, now);
    let direct_key = new.direct_key();
    if insert(db, tenant, &conversation, direct_key.as_deref()).await? {
        if let Some(subject) = &conversation.subject {
            texts::store(db, tenant, &conversation.id, subject).await?;
        }
        add_participants(db, tenant, &conversation.id, &conversation.participants, now).await?;
        outbox::append_all(db, &[events::created(context, &conversation, now)]).await?;
        return Ok(Created { conversation, is_new: true });
    }
    let key = direct_key.ok_or_else(|| SqlError::Row("an id was taken".to_owned()))?;
    let existing = by_direct_key(db, tenant, &key).await?;
    let conversation = existing.ok_or_else(|| SqlError::Row("the conversation in the way is gone".to_owned()))?;
    Ok(Created { conversation, is_new: false })
}

/// Who asks for a conversation that is closed gets it open.
pub(super) async fn reopen(
    db: &impl Execute,
    context: &Context,
    conversation: &mut Conversation,
    now: Micros,
) -> Result<(), SqlError> {
    if conversation.status == Status::Closed {
        let at = etag::next(conversation.updated_at, now);
        let parameters = vec![(&context.tenant).into(), (&conversation.id).into(), at.into()];
        db.execute(statements::REOPEN, parameters).await?;
        (conversation.status, conversation.updated_at) = (Status::Open, at);
        outbox::append_all(db, &[events::updated(context, conversation, now)]).await?;
    }
    Ok(())
}

fn as_opened(new: &NewConversation, now: Micros) -> Conversation {
    let participant = |customer_id: &String| Participant {
        id: ids::new(),
        customer_id: customer_id.clone(),
        role: Role::Member,
        joined_at: now,
        left_at: None,
    };
    Conversation {
        id: ids::new(),
        kind: new.kind,
        status: Status::Open,
        channel: new.channel.clone(),
        channel_account_id: new.channel_account_id.clone(),
        subject: new.subject.clone(),
        metadata: new.metadata.clone(),
        last_seq: 0,
        last_message_at: None,
        last_message_preview: None,
        unread_count: 0,
        created_at: now,
        updated_at: now,
        participants: new.participants.iter().map(participant).collect(),
    }
}

/// Whether it is in; if not, its direct key was taken.
async fn insert(
    db: &impl Execute,
    tenant: &str,
    conversation: &Conversation,
    direct_key: Option<&str>,
) -> Result<bool, SqlError> {
    const INSERT: &str = "INSERT INTO conversations (tenant_id, id, kind, status, channel, channel_account_id, direct_key, \
                          subject, metadata, last_seq, unread_count, activity_at, created_at, updated_at) \
                          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 0, ?10, ?10, ?10) \
                          ON CONFLICT DO NOTHING RETURNING id";
    let parameters = vec![
        tenant.into(),
        (&conversation.id).into(),
        conversation.kind.as_str().into(),
        conversation.status.as_str().into(),
        conversation.channel.clone().into(),
        conversation.channel_account_id.clone().into(),
        direct_key.into(),
        conversation.subject.clone().into(),
        (&conversation.metadata).into(),
        conversation.created_at.into(),
    ];
    Ok(!db.execute(INSERT, parameters).await?.is_empty())
}

/// One statement, however many they are.
pub(super) async fn add_participants(
    db: &impl Execute,
    tenant: &str,
    conversation_id: &str,
    participants: &[Participant],
    now: Micros,
) -> Result<(), SqlError> {
    const INSERT: &str = "INSERT INTO participants (tenant_id, conversation_id, id, customer_id, role, joined_at) \
                          SELECT ?1, ?2, json_extract(value, '$[0]'), json_extract(value, '$[1]'), \
                          json_extract(value, '$[2]'), ?4 FROM json_each(?3)";
    let list: Vec<_> = participants.iter().map(|p| json!([p.id, p.customer_id, p.role.as_str()])).collect();
    let parameters = vec![tenant.into(), conversation_id.into(), sql::list(&list)?, now.into()];
    db.execute(INSERT, parameters).await.map(|_| ())
}
