//! Tests only: every service on the host's SQLite, see `tests/it`.
