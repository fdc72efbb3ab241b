//! The customer service on its real SQL, in memory.
