//! Reads through the public API: one customer against a native twin that does the same checks, and an aggregate against its slowest part.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};

use super::{Bench, reads};
use crate::load::{Connection, Requests};
use crate::report::Report;
use crate::rounds::{Load, Slots, Subject};
use crate::server::Server;
use crate::statistics::{Estimate, median};

const CONNECTIONS: usize = 64;
const BOOTSTRAP: &str = "a-bootstrap-key-for-benchmarks-only";
/// Of the twin, in the form that the gateway gives its own.
const TWINS_KEY: &str = "kob_live_a-key-for-benchmarks-of-the-usual-length-43";
const TWINS_CUSTOMER: &str = "019a0000-0000-7000-8000-00000000000a";
const PARTICIPANTS: usize = 10;
const MESSAGES: usize = 50;

pub fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let states = [bench.state()?, bench.state()?];
    let [ours_state, twin_state] = &states;
    let ours = bench.start("kobliat", platform(bench, ours_state.path())?)?;
    let twin = bench.start("twin, reader", twin(bench, twin_state.path())?)?;
    let data = bench.runtime.block_on(Data::make(&ours)).context("the platform could not be filled")?;
    one_customer(bench, report, &ours, &twin, &data)?;
    reads::measure(bench, report)?;
    details(bench, report, &ours, &data)
}

fn platform(bench: &Bench, state: &Path) -> anyhow::Result<Command> {
    bench.platform(&bench.root.join("spin.toml"), state, &[format!("bootstrap_api_key={BOOTSTRAP}")])
}

fn twin(bench: &Bench, state: &Path) -> anyhow::Result<Command> {
    let mut command = bench.native(&["serve-reader", "--key", TWINS_KEY, "--customer", TWINS_CUSTOMER])?;
    command.arg("--dir").arg(state);
    Ok(command)
}

/// What the platform is asked for, and the key that asks.
struct Data {
    key: String,
    customer: String,
    conversation: String,
}

impl Data {
    async fn make(server: &Server) -> anyhow::Result<Data> {
        let mut connection = Connection::to(server.address);
        let mut tell = async |method, path: &str, body: Value| -> anyhow::Result<Value> {
            let answer = connection.send(asking(method, path, BOOTSTRAP, &body.to_string())).await?;
            Ok(serde_json::from_slice(&answer)?)
        };
        let plan = json!({ "requests_per_hour": 1_000_000 });
        tell(Method::PATCH, "/api/v1/tenants/default", plan).await?;
        let scopes = ["customers:read", "conversations:read", "messages:read"];
        let key = tell(Method::POST, "/api/v1/api-keys", json!({ "name": "bench", "scopes": scopes })).await?;
        let mut customers = Vec::new();
        for n in 0..PARTICIPANTS {
            let new = json!({ "external_type": "web", "external_id": format!("bench-{n}"), "name": format!("Person {n}"), "metadata": { "plan": "gold" } });
            customers.push(text(&tell(Method::POST, "/api/v1/customers", new).await?, "id")?);
        }
        let group = json!({ "type": "group", "participants": customers });
        let conversation = text(&tell(Method::POST, "/api/v1/conversations", group).await?, "id")?;
        for sender in customers.iter().cycle().take(MESSAGES) {
            let new = json!({ "conversation_id": conversation, "direction": "inbound", "sender_customer_id": sender,
                "body": "Does it come in another color? I would like it in green." });
            tell(Method::POST, "/api/v1/messages", new).await?;
        }
        let customer = customers.into_iter().next().context("there are participants")?;
        Ok(Data { key: text(&key, "key")?, customer, conversation })
    }

    fn get(&self, path: String) -> Requests {
        reading(path, self.key.clone())
    }
}

fn text(answer: &Value, name: &str) -> anyhow::Result<String> {
    Ok(answer.get(name).and_then(Value::as_str).with_context(|| format!("no `{name}` in {answer}"))?.to_owned())
}

fn reading(path: String, key: String) -> Requests {
    Arc::new(move |_| asking(Method::GET, &path, &key, ""))
}

fn asking(method: Method, path: &str, key: &str, body: &str) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(path).header("host", "127.0.0.1").header("x-api-key", key);
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).expect("a valid request")
}

fn one_customer(bench: &Bench, report: &mut Report, ours: &Server, twin: &Server, data: &Data) -> anyhow::Result<()> {
    let requests = data.get(format!("/api/v1/customers/{}", data.customer));
    let twins = reading(format!("/api/v1/customers/{TWINS_CUSTOMER}"), TWINS_KEY.to_owned());
    let of_ours = Subject { server: ours, requests: &requests };
    let of_twin = Subject { server: twin, requests: &twins };
    let subjects = [of_ours, of_ours, of_twin];
    let slots = bench.runtime.block_on(bench.rounds().run(&subjects, Load::Connections(CONNECTIONS)))?;
    let [a, control, native] = slots.as_slice() else { anyhow::bail!("a slot per server") };
    report.control("api", Estimate::of_ratio(&control.per_second, &a.per_second));
    let rates = format!("{:.0} · {:.0}", median(&a.per_second), median(&native.per_second));
    report.add("api: GET of one customer per second, 64 connections: ours · twin", rates, "—");
    let cpu = format!("{:.0} · {:.0} µs", median(&a.cpu_micros), median(&native.cpu_micros));
    report.add("api: server CPU per request: ours · twin", cpu, "—");
    report.ratio("api: throughput ÷ twin", Estimate::of_ratio(&a.per_second, &native.per_second), "≥ 0.25");
    let failed = a.failed + control.failed + native.failed;
    report.add("api: failed requests", failed.to_string(), "0");
    Ok(())
}

/// One after the other, because it is about how long one reader waits.
fn details(bench: &Bench, report: &mut Report, ours: &Server, data: &Data) -> anyhow::Result<()> {
    let Data { customer, conversation, .. } = data;
    let parts = [
        data.get(format!("/api/v1/conversations/{conversation}/details?limit={MESSAGES}")),
        data.get(format!("/api/v1/conversations/{conversation}")),
        data.get(format!("/api/v1/conversations/{conversation}/messages?limit={MESSAGES}")),
        data.get(format!("/api/v1/customers/{customer}")),
    ];
    let subjects: Vec<Subject<'_>> = parts.iter().map(|requests| Subject { server: ours, requests }).collect();
    let slots = bench.runtime.block_on(bench.rounds().run(&subjects, Load::Connections(1)))?;
    let [whole, singles @ ..] = slots.as_slice() else { anyhow::bail!("a slot per request") };
    let slowest = slowest(singles, whole.p50.len());
    let shown = format!("{:.2} · {:.2} ms", median(&whole.p50), median(&slowest));
    report.add("api: details of 50 messages and 10 participants, p50: whole · slowest single call", shown, "—");
    report.ratio("api: details ÷ slowest single call, p50", Estimate::of_ratio(&whole.p50, &slowest), "≤ 3");
    anyhow::ensure!(slots.iter().all(|slots| slots.failed == 0), "requests failed");
    Ok(())
}

/// In each round.
fn slowest(singles: &[Slots], rounds: usize) -> Vec<f64> {
    let in_round = |round: usize| singles.iter().filter_map(move |slots| slots.p50.get(round).copied());
    (0..rounds).map(|round| in_round(round).fold(0.0, f64::max)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_call_is_another_one_in_each_round() {
        let slots = |p50: &[f64]| Slots { p50: p50.to_vec(), ..Slots::default() };
        assert_eq!(slowest(&[slots(&[1.0, 4.0]), slots(&[2.0, 3.0])], 2), vec![2.0, 4.0]);
    }
}
