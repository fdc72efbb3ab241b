//! The conversation service on its real SQL, in memory.
