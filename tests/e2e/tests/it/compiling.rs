//! The child process that compiles what is swapped in: it has little memory, beside an application that reserves much address space.

use kobliat_e2e::{build_guests, root, skipped};
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_compiled_beside_a_large_application_in_full_and_as_a_draft() {
    if skipped("our compiler") {
        return;
    }
    build_guests();
    let wasm = root().join("target/guests/wasm32-wasip2/release/customer.wasm");
    for draft in ["false", "true"] {
        let cache = tempfile::tempdir().unwrap();
        let mut compiler = Command::new(env!("CARGO_BIN_EXE_kobliat-e2e-host"));
        // 2000 instances of 4 GiB each, pooled.
        compiler.arg("compile-component").arg(&wasm).arg(cache.path()).args(["2000", "4294967296", "true", draft]);
        let output = compiler.output().await.unwrap();
        assert!(output.status.success(), "draft: {draft}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(std::fs::read_dir(cache.path()).unwrap().count() > 0, "it is kept");
    }
}
