//! The two calls of SQLite's C interface that rusqlite does not wrap.
#![allow(unsafe_code, reason = "rusqlite wraps neither sqlite3_set_last_insert_rowid nor sqlite3_db_status")]

use rusqlite::{Connection, ffi};

/// Makes `last_insert_rowid()` on this shared connection that of the session whose statement runs next.
pub(crate) fn set_last_insert_rowid(connection: &Connection, rowid: i64) {
    // SAFETY: the handle is open as long as `connection` lives, and is used by this thread only.
    unsafe { ffi::sqlite3_set_last_insert_rowid(connection.handle(), rowid) }
}

/// Whether the open transaction violates a deferred foreign key, so that it could not be committed now.
pub(crate) fn violates_deferred_foreign_key(connection: &Connection) -> bool {
    let (mut current, mut highest) = (0, 0);
    // SAFETY: as above; both out-parameters outlive the call.
    let code = unsafe {
        ffi::sqlite3_db_status(connection.handle(), ffi::SQLITE_DBSTATUS_DEFERRED_FKS, &mut current, &mut highest, 0)
    };
    code == ffi::SQLITE_OK && current != 0
}
