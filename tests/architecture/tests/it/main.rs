//! The rules that always hold (README.md, "Invariants"), checked on the files themselves.

mod dependencies;
mod documents;
mod guests;
mod names;
mod secrets;
mod sources;
mod tables;
