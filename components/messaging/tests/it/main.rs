//! The messaging service on its real SQL, in memory.
