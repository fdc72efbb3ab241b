//! The `kobliat` command under a name of this package, so that cargo builds it for these tests and tells them where it is.

use std::process::ExitCode;

fn main() -> ExitCode {
    kobliat::main()
}
