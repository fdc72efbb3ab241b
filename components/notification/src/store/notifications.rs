//! Notifications in SQL.

use sdk::{
    Error, Micros,
    idempotency::{self, Done, Once},
    ids,
    sql::{self, Database, Driver, Execute, Row, SqlError},
};

use crate::notice::{Kind, Notice};

pub mod statements {
    pub const LIST: &str = "SELECT id, kind, title, subject, details, created_at, read_at FROM notifications \
                            WHERE tenant_id = ? AND id < ? ORDER BY id DESC LIMIT ?";
    pub const LIST_UNREAD: &str = "SELECT id, kind, title, subject, details, created_at, read_at FROM notifications \
                                   WHERE tenant_id = ? AND id < ? AND read_at IS NULL ORDER BY id DESC LIMIT ?";
    pub const LIST_READ: &str = "SELECT id, kind, title, subject, details, created_at, read_at FROM notifications \
                                 WHERE tenant_id = ? AND id < ? AND read_at IS NOT NULL ORDER BY id DESC LIMIT ?";
    /// The first reading counts.
    pub const READ: &str = "UPDATE notifications SET read_at = coalesce(read_at, ?3) WHERE tenant_id = ?1 AND id = ?2 \
                            RETURNING id, kind, title, subject, details, created_at, read_at";

    pub const ALL: &[&str] = &[LIST, LIST_UNREAD, LIST_READ, READ];
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub id: String,
    pub kind: Kind,
    pub title: String,
    pub subject: String,
    /// A JSON object.
    pub details: String,
    pub created_at: Micros,
    pub read_at: Option<Micros>,
}

fn notification(mut row: Row) -> Result<Notification, SqlError> {
    Ok(Notification {
        id: row.take()?,
        kind: row.word(Kind::parse)?,
        title: row.take()?,
        subject: row.take()?,
        details: row.take()?,
        created_at: row.take()?,
        read_at: row.take()?,
    })
}

/// In the transaction of the event that it tells of.
pub async fn insert(transaction: &impl Execute, tenant: &str, notice: &Notice, now: Micros) -> Result<(), SqlError> {
    const INSERT: &str = "INSERT INTO notifications (tenant_id, id, kind, title, subject, details, created_at) \
                          VALUES (?, ?, ?, ?, ?, ?, ?)";
    let parameters = vec![
        tenant.into(),
        ids::new().into(),
        notice.kind.as_str().into(),
        (&notice.title).into(),
        (&notice.subject).into(),
        notice.details.to_string().into(),
        now.into(),
    ];
    transaction.execute(INSERT, parameters).await.map(|_| ())
}

/// The newest first.
pub async fn list<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    unread: Option<bool>,
    before: &str,
    limit: u32,
) -> Result<Vec<Notification>, SqlError> {
    let sql = match unread {
        None => statements::LIST,
        Some(true) => statements::LIST_UNREAD,
        Some(false) => statements::LIST_READ,
    };
    sql::many(database.execute(sql, vec![tenant.into(), before.into(), limit.into()]).await?, notification)
}

pub async fn read<D: Driver>(
    database: &Database<D>,
    tenant: &str,
    id: &str,
    now: Micros,
    once: Option<&Once<'_, Notification>>,
) -> Result<Done<Notification>, Error> {
    idempotency::once_statement(database, once, now, async |connection| {
        let parameters = vec![tenant.into(), id.into(), now.into()];
        sql::one(connection.execute(statements::READ, parameters).await?, notification)?.ok_or(Error::NotFound)
    })
    .await
}
