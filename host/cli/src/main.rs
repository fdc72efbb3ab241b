//! The binary; everything is in the library, so that tests can run the same command as a process of theirs.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    kobliat::main()
}
