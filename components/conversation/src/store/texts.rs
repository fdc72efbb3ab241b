//! What a conversation is found by: its subject, as the search's index has it. The index follows by itself.

use sdk::{
    search::spaced,
    sql::{Execute, SqlError},
};

pub mod statements {
    pub const STORE_WORDS: &str =
        "INSERT INTO conversation_texts (tenant_id, conversation_id, words) VALUES (?1, ?2, ?3)";
    pub const DELETE_WORDS: &str = "DELETE FROM conversation_texts WHERE tenant_id = ?1 AND conversation_id = ?2";
}

pub(super) async fn store(db: &impl Execute, tenant: &str, id: &str, subject: &str) -> Result<(), SqlError> {
    let parameters = vec![tenant.into(), id.into(), spaced(subject).into_owned().into()];
    db.execute(statements::STORE_WORDS, parameters).await.map(|_| ())
}

pub(super) async fn replace(db: &impl Execute, tenant: &str, id: &str, subject: Option<&str>) -> Result<(), SqlError> {
    db.execute(statements::DELETE_WORDS, vec![tenant.into(), id.into()]).await?;
    match subject {
        Some(subject) => store(db, tenant, id, subject).await,
        None => Ok(()),
    }
}
