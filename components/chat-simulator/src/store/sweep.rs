//! What is older than its time goes, some rows at once, in SQL.

use sdk::{
    Micros,
    sql::{Database, Driver, SqlError},
};

/// Rows of a table that go in one statement: few enough that nobody waits for it.
const AT_ONCE: u32 = 500;
const AT_ONCE_ROWS: usize = AT_ONCE as usize;

pub mod statements {
    pub const RUNS: &str = "DELETE FROM runs WHERE rowid IN (SELECT rowid FROM runs INDEXED BY runs_ended \
                            WHERE ended_at IS NOT NULL AND ended_at < ? LIMIT ?) RETURNING 1";
    pub const PERSONAS: &str = "DELETE FROM personas WHERE rowid IN \
                                (SELECT rowid FROM personas INDEXED BY personas_by_age WHERE updated_at < ? LIMIT ?) RETURNING 1";
    pub const MESSAGES: &str = "DELETE FROM emulated_messages WHERE rowid IN \
                                (SELECT rowid FROM emulated_messages INDEXED BY emulated_messages_by_age WHERE taken_at < ? LIMIT ?) RETURNING 1";
    pub const UPLOADS: &str = "DELETE FROM emulated_uploads WHERE rowid IN \
                               (SELECT rowid FROM emulated_uploads INDEXED BY emulated_uploads_by_age WHERE uploaded_at < ? LIMIT ?) RETURNING 1";
    pub const PIECES: &str = "DELETE FROM emulated_pieces WHERE rowid IN \
                              (SELECT rowid FROM emulated_pieces INDEXED BY emulated_pieces_by_age WHERE uploaded_at < ? LIMIT ?) RETURNING 1";

    /// Whose message went before they were taken.
    pub const REPORTS: &str = "DELETE FROM emulated_reports WHERE rowid IN \
                               (SELECT rowid FROM emulated_reports INDEXED BY emulated_reports_due WHERE due_at < ? LIMIT ?) RETURNING 1";

    pub const ALL: &[&str] = &[RUNS, PERSONAS, MESSAGES, UPLOADS, PIECES, REPORTS];
}

/// Runs that ended, customers who said and heard nothing, messages and uploads that were taken before then. True when more may be left.
pub async fn older_than<D: Driver>(database: &Database<D>, then: Micros) -> Result<bool, SqlError> {
    let mut is_more = false;
    for statement in statements::ALL {
        let gone = database.execute(statement, vec![then.into(), AT_ONCE.into()]).await?;
        is_more |= gone.len() >= AT_ONCE_ROWS;
    }
    Ok(is_more)
}
