//! What is older than its time goes, some rows at once, in SQL.

use sdk::{
    Micros,
    sql::{Database, Driver, SqlError},
};

/// Rows of a table that go in one statement: few enough that nobody waits for it.
const AT_ONCE: u32 = 500;

pub mod statements {
    pub const RUNS: &str = "DELETE FROM runs WHERE rowid IN (SELECT rowid FROM runs INDEXED BY runs_ended \
                            WHERE ended_at IS NOT NULL AND ended_at < ? LIMIT ?)";
    pub const PERSONAS: &str = "DELETE FROM personas WHERE rowid IN \
                                (SELECT rowid FROM personas INDEXED BY personas_by_age WHERE updated_at < ? LIMIT ?)";
    pub const MESSAGES: &str = "DELETE FROM emulated_messages WHERE rowid IN \
                                (SELECT rowid FROM emulated_messages INDEXED BY emulated_messages_by_age WHERE taken_at < ? LIMIT ?)";
    pub const UPLOADS: &str = "DELETE FROM emulated_uploads WHERE rowid IN \
                               (SELECT rowid FROM emulated_uploads INDEXED BY emulated_uploads_by_age WHERE uploaded_at < ? LIMIT ?)";
    pub const PIECES: &str = "DELETE FROM emulated_pieces WHERE rowid IN \
                              (SELECT rowid FROM emulated_pieces INDEXED BY emulated_pieces_by_age WHERE uploaded_at < ? LIMIT ?)";

    pub const ALL: &[&str] = &[RUNS, PERSONAS, MESSAGES, UPLOADS, PIECES];
}

/// Runs that ended, customers who said and heard nothing, messages and uploads that were taken before then. More may be left.
pub async fn older_than<D: Driver>(database: &Database<D>, then: Micros) -> Result<(), SqlError> {
    for statement in statements::ALL {
        database.execute(statement, vec![then.into(), AT_ONCE.into()]).await?;
    }
    Ok(())
}
