//! What can go wrong with a statement, said so that its author knows what to do.

use rusqlite::ErrorCode;

/// Why a statement, or the opening of a database, failed. Cloned when a failed commit concerns many callers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be opened or is no usable database.
    #[error("failed to open database `{path}`: {reason}")]
    Open { path: String, reason: String },
    /// SQL that no session may run here, whatever the data.
    #[error("{0}")]
    Refused(String),
    /// SQLite's own answer: a syntax error, a violated constraint, a missing table.
    #[error("{0}")]
    Statement(String),
    /// The disk, or the database's size limit, is full. Nothing was written.
    #[error("the database or its disk is full")]
    Full,
    /// Too many statements wait already, or another process holds the file. Try again later.
    #[error("{0}")]
    Busy(String),
    /// A statement, its parameters or its result exceed a bound.
    #[error("{0}")]
    TooLarge(String),
    /// The statement ran longer than a statement may.
    #[error("the statement was stopped after {0} ms")]
    TimedOut(u128),
    /// The session's transaction is over, without its doing; nothing of it was written.
    #[error("{0}")]
    TransactionEnded(String),
    /// The disk failed. Whether the statement's effect survives is unknown.
    #[error("{0}")]
    Io(String),
    /// The database was closed.
    #[error("the database is closed")]
    Closed,
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as Sqlite;
        match error {
            Sqlite::MultipleStatement => {
                Self::Refused("one statement at a time: the text holds more than one".to_owned())
            }
            Sqlite::InvalidParameterCount(given, expected) => {
                Self::Statement(format!("the statement has {expected} parameters, but {given} were given"))
            }
            Sqlite::SqliteFailure(failure, message) => {
                from_code(failure.code, message.unwrap_or_else(|| failure.to_string()))
            }
            Sqlite::SqlInputError { error, msg, .. } => from_code(error.code, msg),
            other => Self::Statement(other.to_string()),
        }
    }
}

fn from_code(code: ErrorCode, message: String) -> Error {
    match code {
        ErrorCode::DiskFull => Error::Full,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            Error::Busy(format!("the database file is held by someone else: {message}"))
        }
        ErrorCode::TooBig | ErrorCode::OutOfMemory => Error::TooLarge(message),
        ErrorCode::AuthorizationForStatementDenied => {
            Error::Refused(format!("{message}: this statement reaches beyond the component's own tables"))
        }
        ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::CannotOpen => {
            Error::Io(message)
        }
        _ => Error::Statement(message),
    }
}
