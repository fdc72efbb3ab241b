//! Webhook ingestion, durable: signed text messages of known customers, against the native twins.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use bytes::Bytes;
use hmac::{Hmac, Mac};
use http::Request;
use http_body_util::Full;
use sha2::Sha256;
use tempfile::TempDir;

use super::Bench;
use crate::load::Requests;
use crate::report::Report;
use crate::rounds::{Load, Slots, Subject};
use crate::server::Server;
use crate::statistics::{Estimate, median};

pub const CONNECTIONS: usize = 64;

/// Who writes. After the first round all are known, which is the case that matters.
const SENDERS: u64 = 1000;

const SECRET: &str = "a-secret-for-benchmarks";

pub const API_KEY: &str = "a-key-for-benchmarks-of-32-bytes-and-more";

pub fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let states = [bench.state()?, bench.state()?, bench.state()?];
    let [ours, group, one] = start(bench, &states)?;
    let requests = requests();
    bench.disk(report, "before webhook")?;
    let (rounds, load) = (bench.rounds(), Load::Connections(CONNECTIONS));
    let [ours_under, group_under, one_under] =
        [&ours, &group, &one].map(|server| Subject { server, requests: &requests });
    let slots = bench.runtime.block_on(rounds.run(&[ours_under, ours_under, group_under, one_under], load))?;
    let [a, control, group_slots, one_slots] = slots.as_slice() else { anyhow::bail!("a slot per server") };
    throughput(report, a, control, group_slots, one_slots);
    let rate = median(&a.per_second) / 2.0;
    let slots = bench.runtime.block_on(rounds.run(&[ours_under, group_under], Load::Rate(rate)))?;
    let [a, group_slots] = slots.as_slice() else { anyhow::bail!("a slot per server") };
    latency(report, rate, a, group_slots);
    bench.disk(report, "after webhook")?;
    let resident = format!("{} MB", ours.resident()? / 1_000_000);
    report.add("webhook: resident memory of ours right after the load", resident, "—");
    Ok(())
}

fn start(bench: &Bench, states: &[TempDir; 3]) -> anyhow::Result<[Server; 3]> {
    let [ours, group, one] = states;
    let twin = |state: &TempDir, commit: &str| -> anyhow::Result<Command> {
        let mut command = bench.native(&["serve-twin", "--secret", SECRET, "--commit", commit])?;
        command.arg("--dir").arg(state.path());
        Ok(command)
    };
    Ok([
        bench.start("kobliat", platform(bench, ours.path())?)?,
        bench.start("twin, group commit", twin(group, "group")?)?,
        bench.start("twin, one by one", twin(one, "one")?)?,
    ])
}

/// The whole application, with the secret that the requests are signed with.
pub fn platform(bench: &Bench, state: &Path) -> anyhow::Result<Command> {
    let variables = [
        format!("whatsapp_app_secret={SECRET}"),
        "whatsapp_verify_token=unused".to_owned(),
        format!("bootstrap_api_key={API_KEY}"),
    ];
    bench.platform(&bench.root.join("spin.toml"), state, &variables)
}

fn throughput(report: &mut Report, a: &Slots, control: &Slots, group: &Slots, one: &Slots) {
    report.control("webhook", Estimate::of_ratio(&control.per_second, &a.per_second));
    let rates =
        format!("{:.0} · {:.0} · {:.0}", median(&a.per_second), median(&group.per_second), median(&one.per_second));
    report.add("webhook: per second, 64 connections: ours · group commit · one by one", rates, "—");
    let cpu =
        format!("{:.0} · {:.0} · {:.0} µs", median(&a.cpu_micros), median(&group.cpu_micros), median(&one.cpu_micros));
    report.add("webhook: server CPU per request: ours · group commit · one by one", cpu, "—");
    report.ratio(
        "webhook: throughput ÷ (b) group commit",
        Estimate::of_ratio(&a.per_second, &group.per_second),
        "≥ 0.4",
    );
    report.ratio("webhook: throughput ÷ (a) one by one", Estimate::of_ratio(&a.per_second, &one.per_second), "printed");
    let failed = a.failed + control.failed + group.failed + one.failed;
    report.add("webhook: failed requests", failed.to_string(), "0");
}

fn latency(report: &mut Report, rate: f64, a: &Slots, group: &Slots) {
    let what = format!("webhook: p50 and p99 at {rate:.0}/s, open loop: ours");
    report.add(what, format!("{:.1} ms, {:.1} ms", median(&a.p50), median(&a.p99)), "—");
    let native = format!("{:.1} ms, {:.1} ms", median(&group.p50), median(&group.p99));
    report.add("webhook: the same, group commit", native, "—");
    report.ratio("webhook: p99 ÷ (b)'s p99, same rate", Estimate::of_ratio(&a.p99, &group.p99), "≤ 3");
}

/// The n-th message of one run is never the n-th of another: the servers keep what they got.
pub fn requests() -> Requests {
    let run = uuid::Uuid::now_v7().simple().to_string();
    Arc::new(move |n| signed(body(&run, n)))
}

fn body(run: &str, n: u64) -> String {
    let from = 16_505_550_000 + n % SENDERS;
    let at = 1_749_416_383 + n;
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[{{"field":"messages","value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","phone_number_id":"106540352242922"}},"contacts":[{{"profile":{{"name":"Sheena Nelson"}},"wa_id":"{from}"}}],"messages":[{{"from":"{from}","id":"wamid.{run}{n:012}","timestamp":"{at}","type":"text","text":{{"body":"Does it come in another color? I would like it in green."}}}}]}}}}]}}]}}"#
    )
}

fn signed(body: String) -> Request<Full<Bytes>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body.as_bytes());
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    Request::post("/webhooks/whatsapp")
        .header("host", "127.0.0.1")
        .header("content-type", "application/json")
        .header("x-hub-signature-256", signature)
        .body(Full::new(Bytes::from(body)))
        .expect("a valid request")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_json_and_another_one() {
        let first: serde_json::Value = serde_json::from_str(&body("run", 1)).unwrap();
        let id = |body: &serde_json::Value| body["entry"][0]["changes"][0]["value"]["messages"][0]["id"].clone();
        let next: serde_json::Value = serde_json::from_str(&body("run", 1 + SENDERS)).unwrap();
        assert!(id(&first).is_string());
        assert_ne!(id(&first), id(&next));
    }
}
