//! What a service's domain can say went wrong, and how HTTP and typed calls tell it.

use crate::{Context, Problem, etag, idempotency::Refused, log, pagination, sql::SqlError};

/// Why a domain function did not do it. The client learns what it can act on; the reason of the last two is for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    NotFound,
    Invalid {
        field: &'static str,
        reason: String,
    },
    BadCursor,
    /// It contradicts what is there.
    Conflict(String),
    /// It is no longer in the version that the caller wants to change.
    Stale,
    Key(Refused),
    /// Worth another try.
    Unavailable(String),
    Internal(String),
}

/// Shorthand for rules: `return Err(invalid("name", "is empty"))`.
pub fn invalid(field: &'static str, reason: impl Into<String>) -> Error {
    Error::Invalid { field, reason: reason.into() }
}

impl Error {
    /// The answer to an HTTP request; `noun` is what was not found: `customer`.
    pub fn problem(self, context: &Context, noun: &str) -> Problem {
        match self {
            Self::NotFound => Problem::not_found(noun),
            Self::Invalid { field, reason } => Problem::invalid_field(format!("/{field}"), reason),
            Self::BadCursor => pagination::bad_cursor(),
            Self::Conflict(reason) => Problem::conflict(reason),
            Self::Stale => etag::mismatch(),
            Self::Key(refused) => refused.into(),
            Self::Unavailable(reason) => {
                log::warn(context, "request failed for now", &[("error", &reason)]);
                Problem::unavailable("the database is not available")
            }
            Self::Internal(reason) => {
                log::error(context, "request failed", &[("error", &reason)]);
                Problem::internal()
            }
        }
    }

    /// The answer to a typed call; the interface's own error is made of it by [`typed_error!`](crate::typed_error).
    pub fn told(self, context: &Context) -> Told {
        match self {
            Self::NotFound => Told::NotFound,
            Self::Invalid { field, reason } => Told::Invalid(format!("{field}: {reason}")),
            Self::BadCursor => Told::Invalid("cursor: is not one of this list".to_owned()),
            Self::Conflict(reason) => Told::Conflict(reason),
            Self::Stale => Told::Conflict("it was changed in between".to_owned()),
            Self::Key(refused) => Told::Conflict(format!("idempotency key: {refused:?}")),
            Self::Unavailable(reason) => {
                log::warn(context, "typed call failed for now", &[("error", &reason)]);
                Told::Unavailable("the database is not available".to_owned())
            }
            Self::Internal(reason) => {
                log::error(context, "typed call failed", &[("error", &reason)]);
                Told::Other("internal error".to_owned())
            }
        }
    }
}

/// The cases that the `error` of every typed interface has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    NotFound,
    Invalid(String),
    Conflict(String),
    Unavailable(String),
    Other(String),
}

/// Makes `fn error(&Context, Error) -> wit::Error` for the interface in this module: `sdk::typed_error!(wit::Error);`.
#[macro_export]
macro_rules! typed_error {
    ($($wit:ident)::+) => {
        /// The caller learns what it can act on; the reason is logged.
        fn error(context: &$crate::Context, error: $crate::Error) -> $($wit)::+ {
            use $crate::error::Told;
            match error.told(context) {
                Told::NotFound => $($wit)::+::NotFound,
                Told::Invalid(reason) => $($wit)::+::Invalid(reason),
                Told::Conflict(reason) => $($wit)::+::Conflict(reason),
                Told::Unavailable(reason) => $($wit)::+::Unavailable(reason),
                Told::Other(reason) => $($wit)::+::Other(reason),
            }
        }
    };
}

impl From<SqlError> for Error {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Unavailable(_) => Self::Unavailable(error.to_string()),
            SqlError::Failed(_) | SqlError::Row(_) => Self::Internal(error.to_string()),
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Key(refused)
    }
}
