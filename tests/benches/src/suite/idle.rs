//! Many components that do nothing: what each of them keeps of the host's memory, once it has served a request.

use std::fmt::Write;
use std::path::Path;

use super::platform::at_rest;
use super::{Bench, hello::get};
use crate::load::Connection;
use crate::report::Report;

const COMPONENTS: u64 = 200;

pub fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let (few, many) = (resident(bench, 1)?, resident(bench, COMPONENTS)?);
    let each = many.saturating_sub(few) as f64 / (COMPONENTS - 1) as f64;
    let told = format!("{:.2} MB ({} MB, of one alone {} MB)", each / 1e6, many / 1_000_000, few / 1_000_000);
    report.add(format!("idle: resident memory per component, of {COMPONENTS}"), told, "≤ 2 MB");
    Ok(())
}

/// Once all of them have answered and their instances are gone.
fn resident(bench: &Bench, components: u64) -> anyhow::Result<u64> {
    let state = bench.state()?;
    let manifest = state.path().join("spin.toml");
    let wasm = bench.root.join("target/guests/wasm32-wasip2/release/hello.wasm");
    std::fs::write(&manifest, manifest_of(components, &wasm))?;
    let server = bench.start("kobliat", bench.platform(&manifest, &state.path().join("state"), &[])?)?;
    let mut connection = Connection::to(server.address);
    for number in 0..components {
        bench.runtime.block_on(connection.send(get(&format!("/{number}"))))?;
    }
    at_rest(&server)
}

fn manifest_of(components: u64, wasm: &Path) -> String {
    let mut text = "spin_manifest_version = 2\n[application]\nname = \"idle\"\n".to_owned();
    for number in 0..components {
        // Writing to a String can not fail.
        let _ = write!(
            text,
            "[[trigger.http]]\nroute = \"/{number}\"\ncomponent = \"hello-n{number}\"\n\
             [component.hello-n{number}]\nsource = {:?}\n",
            wasm.display().to_string()
        );
    }
    text
}
