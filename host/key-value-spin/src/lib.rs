//! Key-value stores of `type = "spin"`: one table of a SQLite file, laid out as Spin lays it out, so that a file of Spin's
//! goes on being used. Writes of many callers share a commit, and are answered when it is on disk.
//!
//! Reading order: [`file`] (a file and the stores in it), [`store`] (one store's operations), [`sql`] (their statements).

mod file;
mod sql;
mod store;

pub use file::StoreFile;
