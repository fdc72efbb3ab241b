//! SQLite with group commit, for many concurrent callers of one file: one writer thread whose commits are shared, readers
//! that run on the caller's own thread, and replies that are sent only when their effect is on disk.
//!
//! A [`Database`] is one file. A [`Session`] is one caller's connection to it: it has its own transaction,
//! `changes` and `last_insert_rowid`, as a SQLite connection has, but costs no file handle.
//!
//! - A write outside a transaction joins the commit of its neighbours; its reply waits for that commit's fsync.
//! - A read outside a transaction runs at once on the calling thread; one that turns out long moves to a thread of its own.
//! - A transaction holds the writer in turn (a *lease*), and is rolled back when its session idles or vanishes.
//!
//! The host's own stores use [`Database::write`] and [`Database::read`] instead: a closure with the connection, as a whole.
//!
//! What a session may not do, because it would reach beyond its own statement, is refused: see [`policy`].

mod bounds;
mod connection;
mod database;
mod error;
mod guard;
mod heap;
mod lease;
mod mailbox;
mod native;
mod options;
mod plan;
pub mod policy;
mod raw;
mod reader;
mod run;
mod session;
mod statistics;
mod temporary;
mod tokens;
mod transaction;
mod value;
mod writer;

pub use bounds::prepare;
pub use database::Database;
pub use error::Error;
pub use options::Options;
/// What a closure of the host's own is given.
pub use rusqlite;
pub use session::{Session, SessionLimits};
pub use statistics::Statistics;
pub use value::{Commit, QueryOutput, Value};
