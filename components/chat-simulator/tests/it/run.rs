//! Runs: an unkind provider, and an honest look at what arrived.

use ::http::Method;
use chat_simulator::{
    run::{self, Order, Run, State},
    store::runs,
};
use sdk::{
    outgoing::Failure,
    testing::{block_on, json},
};
use serde_json::{Value, json};

use crate::{
    app::{NOW, SECOND, TestApp},
    world::Flaw,
};

fn order(chaos: f64) -> Value {
    json!({ "customers": 10, "messages": 120, "chaos": chaos, "seed": 7 })
}

impl TestApp {
    /// Starts a run and waits until it is done, as ticks go on with it.
    fn run(&self, order: &Value) -> Value {
        let started = self.send(Method::POST, "/simulate/run", &order.to_string());
        assert!(matches!(started.status().as_u16(), 200 | 202), "{}", String::from_utf8_lossy(started.body()));
        let path = format!("/simulate/runs/{}", json(&started)["id"].as_str().unwrap());
        for _ in 0..100 {
            let told = self.get(&path);
            if told["status"] == "done" {
                return told;
            }
            block_on(run::round(&self.service, 15 * SECOND)).unwrap();
        }
        panic!("the run has no end: {}", self.get(&path));
    }
}

fn zero(told: &Value, names: &[&str]) {
    for name in names {
        assert_eq!(told[name], 0, "{name}: {told}");
    }
}

const FAULTS: [&str; 4] = ["lost", "doubled", "altered", "order_violations"];

#[test]
fn a_kind_run_is_answered_with_its_report() {
    let app = TestApp::start();
    let told = app.post("/simulate/run", &order(0.0));
    assert_eq!(
        (&told["status"], &told["sent"], &told["accepted"], &told["duplicates"]),
        (&json!("done"), &json!(120), &json!(120), &json!(0))
    );
    zero(&told, &FAULTS);
    assert_eq!(told["requests"], 120);
    for percentile in ["p50", "p95", "p99"] {
        assert!(told["latency_ms"][percentile].is_number(), "{told}");
    }
    let prefix = told["customers"]["external_id_prefix"].as_str().unwrap();
    assert!(app.world.messages.borrow().iter().all(|message| message["from"].as_str().unwrap().starts_with(prefix)));
    assert_eq!(app.memory.scalar("SELECT count(*) FROM run_slices"), 0, "nothing is left behind");
}

#[test]
fn chaos_loses_nothing_where_the_platform_is_right() {
    let app = TestApp::start();
    for chaos in [0.3, 1.0] {
        let told = app.run(&order(chaos));
        assert_eq!((&told["sent"], &told["accepted"]), (&json!(120), &json!(120)));
        assert!(told["duplicates"].as_u64().unwrap() > 0, "{told}");
        zero(&told, &FAULTS);
    }
}

#[test]
fn the_same_seed_sends_the_same_webhooks() {
    let texts = || {
        let app = TestApp::start();
        app.run(&order(0.3));
        let texts: Vec<Value> = app.world.messages.borrow().iter().map(|message| message["text"].clone()).collect();
        texts
    };
    assert_eq!(texts(), texts());
}

#[test]
fn finds_what_a_platform_does_wrong() {
    for (flaw, name) in [
        (Flaw::Loses, "lost"),
        (Flaw::Doubles, "doubled"),
        (Flaw::Reverses, "order_violations"),
        (Flaw::Mangles, "altered"),
    ] {
        let app = TestApp::start();
        app.world.flaw.set(flaw);
        let told = app.run(&order(0.3));
        assert!(told[name].as_u64().unwrap() > 0, "{flaw:?}: {told}");
        for other in FAULTS.iter().filter(|other| **other != name) {
            assert_eq!(told[other], 0, "{flaw:?} is nothing else: {told}");
        }
    }
}

#[test]
fn comes_again_after_our_errors_and_says_so() {
    let app = TestApp::start();
    app.world.front_fails(&[Ok(503), Err(Failure::TimedOut), Ok(500)]);
    let told = app.run(&order(0.0));
    assert_eq!((&told["retries"], &told["accepted"], &told["unacknowledged"]), (&json!(3), &json!(120), &json!(0)));
    zero(&told, &FAULTS);
}

#[test]
fn what_the_front_never_took_is_not_lost_and_not_hidden() {
    let app = TestApp::start();
    app.world.front_fails(&vec![Ok(503); 10_000]);
    let told = app.run(&json!({ "customers": 2, "messages": 20 }));
    assert_eq!((&told["unacknowledged"], &told["accepted"]), (&json!(20), &json!(0)));
    zero(&told, &FAULTS);
}

#[test]
fn goes_on_after_a_crash_where_it_was() {
    let app = TestApp::start();
    let order = Order { customers: 5, messages: 500, chaos: 300, seed: 3 };
    let mut run = Run::new("default", order, NOW);
    block_on(runs::insert(&app.service.database, &run, NOW + SECOND)).unwrap().unwrap();
    // One slice is sent and another one under way when the instance ends: the first is written down, the second is not.
    let plan = run::plan::Plan::of(&run);
    let slice = block_on(run::sending::slice(&app.service, &run, &plan));
    run.position += slice.webhooks;
    block_on(runs::save_slice(&app.service.database, &run, &slice, NOW + SECOND)).unwrap();
    block_on(run::sending::slice(&app.service, &run, &plan));

    block_on(run::round(&app.service, 15 * SECOND)).unwrap();
    assert_eq!(
        app.get(&format!("/simulate/runs/{}", run.id))["status"],
        "sending",
        "it is another's as long as the lease runs"
    );
    app.advance(2 * SECOND);
    block_on(run::round(&app.service, 15 * SECOND)).unwrap();
    let told = app.get(&format!("/simulate/runs/{}", run.id));
    assert_eq!((&told["status"], &told["sent"]), (&json!(State::Done.as_str()), &json!(500)));
    zero(&told, &FAULTS);
    assert_eq!(app.world.messages.borrow().len(), 500);
}

#[test]
fn one_at_a_time_and_within_bounds() {
    let app = TestApp::start();
    for (body, pointer) in [
        (json!({ "customers": 0 }), "/customers"),
        (json!({ "customers": 1001 }), "/customers"),
        (json!({ "messages": 10_001 }), "/messages"),
        (json!({ "chaos": 1.5 }), "/chaos"),
        (json!({ "chaos": -0.1 }), "/chaos"),
        (json!({ "seed": -1 }), "/seed"),
        (json!({ "speed": 1 }), "/speed"),
    ] {
        let (status, problem) = app.refused(Method::POST, "/simulate/run", &body);
        assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!(pointer)), "{problem}");
    }
    let other = Run::new("default", Order { customers: 1, messages: 1, chaos: 0, seed: 0 }, NOW);
    block_on(runs::insert(&app.service.database, &other, NOW + SECOND)).unwrap().unwrap();
    assert_eq!(app.refused(Method::POST, "/simulate/run", &order(0.0)).0, 409);
    app.world.set("simulator", "");
    assert_eq!(app.refused(Method::POST, "/simulate/run", &order(0.0)).0, 403);
    assert!(app.world.webhooks.borrow().is_empty());
}

#[test]
fn another_tenant_s_run_is_not_there() {
    let app = TestApp::start();
    let id = app.post("/simulate/run", &order(0.0))["id"].as_str().unwrap().to_owned();
    let path = format!("/simulate/runs/{id}");
    assert_eq!(app.send_with(Method::GET, &path, "", &[("kobliat-tenant", "acme")]).status(), 404);
    assert_eq!(app.send_with(Method::GET, &path, "", &[("kobliat-scopes", "messages:read")]).status(), 403);
}
