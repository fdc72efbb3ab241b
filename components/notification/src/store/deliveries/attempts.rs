//! The log of attempts: what was sent, and what the endpoint said.

use sdk::{
    Micros, ids,
    sql::{self, Database, Driver, Execute, Row, SqlError},
};

use super::Waiting;
use crate::{app::Answer, delivery::is_success};

macro_rules! columns {
    () => {
        "id, event_id, type, number, by_hand, succeeded, status_code, error, answer, duration_ms, at"
    };
}

pub mod statements {
    pub const LIST: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM webhook_attempts WHERE tenant_id = ? AND endpoint_id = ? AND id < ? ORDER BY id DESC LIMIT ?"
    );

    pub const ALL: &[&str] = &[LIST];
}

/// Characters of an answer that are kept.
const MAX_ANSWER: usize = 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub id: String,
    pub event_id: String,
    pub kind: String,
    /// 1 is the first; an attempt by hand has the number of the one before it.
    pub number: u32,
    pub by_hand: bool,
    pub succeeded: bool,
    pub status_code: Option<u16>,
    pub error: Option<String>,
    pub answer: String,
    pub duration_ms: u64,
    pub at: Micros,
}

impl Attempt {
    pub fn of(waiting: &Waiting, said: &Result<Answer, String>, at: Micros, duration: Micros) -> Self {
        let body = said.as_ref().map(|answer| String::from_utf8_lossy(&answer.body).into_owned()).unwrap_or_default();
        Self {
            id: ids::new(),
            event_id: waiting.event_id.clone(),
            kind: waiting.kind.clone(),
            number: if waiting.is_by_hand { waiting.attempts } else { waiting.attempts.saturating_add(1) },
            by_hand: waiting.is_by_hand,
            succeeded: is_success(said),
            status_code: said.as_ref().ok().map(|answer| answer.status),
            error: said.as_ref().err().cloned(),
            answer: body.chars().filter(|c| *c != '\0').take(MAX_ANSWER).collect(),
            duration_ms: u64::try_from(duration / 1000).unwrap_or_default(),
            at,
        }
    }
}

pub(super) async fn insert(
    transaction: &impl Execute,
    tenant: &str,
    endpoint_id: &str,
    attempt: &Attempt,
) -> Result<(), SqlError> {
    const INSERT: &str = concat!(
        "INSERT INTO webhook_attempts (tenant_id, endpoint_id, ",
        columns!(),
        ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    );
    let parameters = vec![
        tenant.into(),
        endpoint_id.into(),
        (&attempt.id).into(),
        (&attempt.event_id).into(),
        (&attempt.kind).into(),
        attempt.number.into(),
        attempt.by_hand.into(),
        attempt.succeeded.into(),
        attempt.status_code.into(),
        attempt.error.clone().into(),
        (&attempt.answer).into(),
        attempt.duration_ms.into(),
        attempt.at.into(),
    ];
    transaction.execute(INSERT, parameters).await.map(|_| ())
}

fn attempt(mut row: Row) -> Result<Attempt, SqlError> {
    Ok(Attempt {
        id: row.take()?,
        event_id: row.take()?,
        kind: row.take()?,
        number: row.take()?,
        by_hand: row.take()?,
        succeeded: row.take()?,
        status_code: row.take()?,
        error: row.take()?,
        answer: row.take()?,
        duration_ms: row.take()?,
        at: row.take()?,
    })
}

/// The newest first.
pub async fn attempts<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    endpoint_id: &str,
    before: &str,
    limit: u32,
) -> Result<Vec<Attempt>, SqlError> {
    let parameters = vec![tenant.into(), endpoint_id.into(), before.into(), limit.into()];
    sql::many(database.execute(statements::LIST, parameters).await?, attempt)
}
