//! The functions that guests call, one file an interface. None of them holds the instance's store while a backend works,
//! except where the interface is synchronous.

mod keys;
mod spin_v2;
mod spin_v3;
mod wasi_atomics;
mod wasi_batch;
mod wasi_store;
