//! What a session may not say, because a connection is shared: whatever would change the connection's own state, leave the
//! database file, or undo the neighbours' work in a shared commit.
//!
//! Refused: ATTACH, DETACH, VACUUM, temporary tables, triggers, views and indexes (they would outlive the session on the
//! shared connection), `OR ROLLBACK`, `ON CONFLICT ROLLBACK` and `RAISE(ROLLBACK)` (they would roll back the neighbours),
//! loading extensions, and every PRAGMA except:
//!
//! - those that only read: the schema (`table_info`, `index_list`, …), the checks and the sizes;
//! - `user_version` and `application_id`, which are part of the file and so of the transaction;
//! - `foreign_keys = ON` and `journal_mode = WAL`, which change nothing, because both are always so.
//!
//! Foreign keys are enforced, as in Spin. They cannot be switched off, not even deferred by `defer_foreign_keys`; constraints
//! declared `DEFERRABLE INITIALLY DEFERRED` work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

/// What a PRAGMA does here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PragmaUse {
    Read,
    Write,
    Refused,
}

const READING_PRAGMAS: [&str; 20] = [
    "application_id",
    "collation_list",
    "compile_options",
    "encoding",
    "foreign_key_check",
    "foreign_key_list",
    "foreign_keys",
    "freelist_count",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "journal_mode",
    "page_count",
    "page_size",
    "quick_check",
    "table_info",
    "table_xinfo",
    "user_version",
];
/// `data_version` is what full-text search asks by itself, before it reads.
const READING_PRAGMAS_WITHOUT_VALUE: [&str; 4] = ["data_version", "schema_version", "synchronous", "table_list"];
/// Where a value is the name of a table or index, or a number of errors to report: it sets nothing.
const PRAGMAS_WITH_ARGUMENT: [&str; 9] = [
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "quick_check",
    "table_info",
    "table_xinfo",
];

pub(crate) fn pragma(name: &str, value: Option<&str>) -> PragmaUse {
    let name = name.to_ascii_lowercase();
    let name = name.as_str();
    let Some(value) = value else {
        let reads = READING_PRAGMAS.contains(&name) || READING_PRAGMAS_WITHOUT_VALUE.contains(&name);
        return if reads { PragmaUse::Read } else { PragmaUse::Refused };
    };
    match name {
        _ if PRAGMAS_WITH_ARGUMENT.contains(&name) || name == "table_list" => PragmaUse::Read,
        "user_version" | "application_id" => PragmaUse::Write,
        "foreign_keys" if ["on", "1", "true", "yes"].contains(&value.to_ascii_lowercase().as_str()) => PragmaUse::Read,
        "journal_mode" if value.eq_ignore_ascii_case("wal") => PragmaUse::Read,
        _ => PragmaUse::Refused,
    }
}

/// Switched on while the engine runs a statement of its own (BEGIN, COMMIT, SAVEPOINT, checkpoint).
pub(crate) type Internal = Arc<AtomicBool>;

/// The last line of defence, asked by SQLite itself while it compiles a statement.
pub(crate) fn authorize(internal: &Internal, context: &AuthContext<'_>) -> Authorization {
    let reads = matches!(context.action, AuthAction::Read { .. } | AuthAction::Select);
    let allowed = match context.action {
        _ if context.database_name == Some("temp") && !reads => false,
        AuthAction::Attach { .. } | AuthAction::Detach { .. } | AuthAction::Unknown { .. } => false,
        AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. } => false,
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => internal.load(Relaxed),
        AuthAction::Pragma { pragma_name, pragma_value } => {
            internal.load(Relaxed) || pragma(pragma_name, pragma_value) != PragmaUse::Refused
        }
        AuthAction::Function { function_name } => !function_name.eq_ignore_ascii_case("load_extension"),
        _ => true,
    };
    if allowed { Authorization::Allow } else { Authorization::Deny }
}
