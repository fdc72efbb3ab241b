//! The child process that compiles what is swapped in: it has little memory, beside an application that reserves much address space.

use kobliat_e2e::{build_guests, root, skipped};
use std::process::Output;
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

/// Components that cost their compiler what it has: each is refused by the child, with a sentence, and nothing is kept.
#[tokio::test(flavor = "multi_thread")]
async fn bombs_are_refused_by_the_child() {
    if skipped("our compiler") {
        return;
    }
    for (what, wasm) in bombs() {
        let folder = tempfile::tempdir().unwrap();
        let (file, cache) = (folder.path().join("bomb.wasm"), folder.path().join("cache"));
        std::fs::write(&file, &wasm).unwrap();
        let output = compile(&file, &cache).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some_and(|code| code != 0), "{what}: {:?} {said}", output.status);
        assert!(said.contains("Error: ") && said.len() < 4000, "{what}: {said}");
        assert_eq!(std::fs::read_dir(&cache).unwrap().count(), 0, "{what}");
    }
}

async fn compile(file: &std::path::Path, cache: &std::path::Path) -> Output {
    let mut compiler = Command::new(env!("CARGO_BIN_EXE_kobliat-e2e-host"));
    compiler.arg("compile-component").arg(file).arg(cache).args(["16", "67108864", "true", "false"]);
    compiler.output().await.unwrap()
}

fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let nested: String = (1..200_000).map(|n| format!("(type (list {}))", n - 1)).collect();
    let doubled: String = (1..64).map(|n| format!("(type (tuple {m} {m}))", m = n - 1)).collect();
    vec![
        ("a header and nothing behind it", b"\0asm\x0d\0\x01\0\xff\xff\xff\xff".to_vec()),
        ("types in types", component(&format!("(type (list u8)){nested}"))),
        ("a type that doubles", component(&format!("(type (tuple u8 u8)){doubled}"))),
        ("more functions than there may be", functions(1_000_001)),
        ("more locals than there may be", component("").into_iter().chain(module(locals())).collect()),
    ]
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {text})")).unwrap()
}

/// A component with a module of so many empty functions.
fn functions(count: u32) -> Vec<u8> {
    let mut types = leb(count);
    types.extend(std::iter::repeat_n(0, count as usize));
    let mut bodies = leb(count);
    bodies.extend([2, 0, 0x0b].repeat(count as usize));
    let inside = [section(1, vec![1, 0x60, 0, 0]), section(3, types), section(10, bodies)].concat();
    component("").into_iter().chain(module(inside)).collect()
}

/// One function with four thousand million locals.
fn locals() -> Vec<u8> {
    let body = [vec![1], leb(u32::MAX), vec![0x7f, 0x0b]].concat();
    let bodies = [leb(1), leb(body.len() as u32), body].concat();
    [section(1, vec![1, 0x60, 0, 0]), section(3, vec![1, 0]), section(10, bodies)].concat()
}

/// A component's section with a core module of these sections.
fn module(sections: Vec<u8>) -> Vec<u8> {
    section(1, [b"\0asm\x01\0\0\0".to_vec(), sections].concat())
}

fn section(id: u8, content: Vec<u8>) -> Vec<u8> {
    [vec![id], leb(content.len() as u32), content].concat()
}

fn leb(mut number: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
