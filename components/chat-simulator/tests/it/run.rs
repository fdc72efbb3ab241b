//! Runs: an unkind provider, and an honest look at what arrived.

use ::http::Method;
use chat_simulator::{
    run::{self, Order, Run, State, plan::Plan},
    store::{runs, sweep},
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
            if !told["ended_at"].is_null() {
                return told;
            }
            block_on(run::round(&self.service, 15 * SECOND)).unwrap();
        }
        panic!("the run has no end: {}", self.get(&path));
    }
}

fn planned(order: Order) -> (Run, Plan) {
    let mut run = Run::new("default", "999000000000001", order, NOW);
    let plan = Plan::of(&run);
    run.webhooks = u64::try_from(plan.posts.len()).unwrap();
    (run, plan)
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
    let (mut run, plan) = planned(order);
    assert!(block_on(runs::insert(&app.service.database, &run, NOW + SECOND)).unwrap().is_ok());
    // One slice is sent and another one under way when the instance ends: the first is written down, the second is not.
    let slice = block_on(run::sending::slice(&app.service, &run, &plan, false));
    run.position += slice.webhooks;
    run.begun = run.position + 1;
    assert!(block_on(runs::save(&app.service.database, &run, Some(&slice), NOW + SECOND)).unwrap());
    block_on(run::sending::slice(&app.service, &run, &plan, false));

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
    let (other, _) = planned(Order { customers: 1, messages: 1, chaos: 0, seed: 0 });
    assert!(block_on(runs::insert(&app.service.database, &other, NOW + SECOND)).unwrap().is_ok());
    let (status, problem) = app.refused(Method::POST, "/simulate/run", &order(0.0));
    assert!(status == 409 && problem["detail"].as_str().unwrap().contains(&other.id), "{problem}");
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

#[test]
fn runs_are_listed_the_newest_first_and_by_pages() {
    let app = TestApp::start();
    let ids: Vec<Value> = (0..3).map(|_| app.run(&json!({ "customers": 1, "messages": 2 }))["id"].clone()).collect();
    let first = app.get("/simulate/runs?limit=2");
    assert_eq!((&first["data"][0]["id"], &first["data"][1]["id"]), (&ids[2], &ids[1]));
    let rest = app.get(&format!("/simulate/runs?limit=2&cursor={}", first["meta"]["next_cursor"].as_str().unwrap()));
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["data"][0]["id"]), (1, &ids[0]));
    assert_eq!(rest["data"][0]["lost"], 0, "with its report");
    let others = app.send_with(Method::GET, "/simulate/runs", "", &[("kobliat-tenant", "acme")]);
    assert_eq!(json(&others)["data"], json!([]));
}

#[test]
fn a_cancelled_run_sends_nothing_more_and_says_what_it_had_done() {
    let app = TestApp::start();
    let (mut run, plan) = planned(Order { customers: 5, messages: 500, chaos: 0, seed: 3 });
    assert!(block_on(runs::insert(&app.service.database, &run, run::lease(NOW))).unwrap().is_ok());
    app.world.is_slow.set(true);
    block_on(run::advance(&app.service, &mut run, &plan, NOW + 1)).unwrap();
    let sent = app.world.messages.borrow().len();
    let path = format!("/simulate/runs/{}/cancel", run.id);
    let told = app.post(&path, &json!({}));
    assert_eq!((&told["status"], &told["accepted"], &told["lost"]), (&json!("cancelled"), &json!(sent), &Value::Null));
    assert_eq!(app.post(&path, &json!({})), told, "twice is once");

    // Whoever had it when it was cancelled goes no further.
    block_on(run::advance(&app.service, &mut run, &plan, NOW + 60 * SECOND)).unwrap();
    block_on(run::round(&app.service, 60 * SECOND)).unwrap();
    assert_eq!(app.world.messages.borrow().len(), sent);
    assert_eq!(app.get(&format!("/simulate/runs/{}", run.id))["status"], "cancelled");
    assert_eq!(app.run(&order(0.0))["status"], "done", "and the next may begin");
    let others = app.send_with(Method::POST, &path, "", &[("kobliat-tenant", "acme")]);
    assert_eq!(others.status(), 404);
}

#[test]
fn two_who_work_on_one_run_do_not_write_over_each_other() {
    let app = TestApp::start();
    let (mut run, plan) = planned(Order { customers: 5, messages: 100, chaos: 0, seed: 3 });
    assert!(block_on(runs::insert(&app.service.database, &run, NOW)).unwrap().is_ok());
    // Its lease has run out: another takes it over and finishes it.
    app.advance(SECOND);
    block_on(run::round(&app.service, 600 * SECOND)).unwrap();
    let done = app.get(&format!("/simulate/runs/{}", run.id));
    assert_eq!(done["status"], "done");
    block_on(run::advance(&app.service, &mut run, &plan, NOW + 600 * SECOND)).unwrap();
    assert_eq!(app.get(&format!("/simulate/runs/{}", run.id)), done);
}

#[test]
fn a_run_that_nobody_could_go_on_with_ends_after_an_hour() {
    let app = TestApp::start();
    let (run, _) = planned(Order { customers: 5, messages: 100, chaos: 0, seed: 3 });
    assert!(block_on(runs::insert(&app.service.database, &run, NOW)).unwrap().is_ok());
    app.advance(3601 * SECOND);
    block_on(run::round(&app.service, SECOND)).unwrap();
    let told = app.get(&format!("/simulate/runs/{}", run.id));
    assert_eq!((&told["status"], &told["reason"]), (&json!("failed"), &json!("it was not done within an hour")));
}

#[test]
fn a_front_that_takes_nothing_for_minutes_ends_a_run() {
    let app = TestApp::start();
    app.world.front_fails(&vec![Err(Failure::TimedOut); 100_000]);
    app.world.is_slow.set(true);
    let told = app.run(&json!({ "customers": 5, "messages": 10_000 }));
    assert_eq!(told["status"], "failed");
    assert!(told["reason"].as_str().unwrap().contains("took nothing"), "{told}");
    assert!(told["unacknowledged"].as_u64().unwrap() > 0, "{told}");
}

#[test]
fn a_run_whose_messages_cannot_be_read_ends_with_the_reason() {
    let app = TestApp::start();
    app.world.services_are_down.set(true);
    let told = app.run(&json!({ "customers": 2, "messages": 10 }));
    assert_eq!((&told["status"], &told["accepted"]), (&json!("failed"), &json!(10)));
    assert!(told["reason"].as_str().unwrap().contains("customer answered 503"), "{told}");
}

#[test]
fn what_is_older_than_its_time_is_swept_away() {
    let app = TestApp::start();
    app.run(&json!({ "customers": 2, "messages": 10 }));
    app.post("/simulate", &json!({ "scenario": "haggler" }));
    let sweep = |then| block_on(sweep::older_than(&app.service.database, then)).unwrap();
    sweep(NOW - SECOND);
    assert_eq!(app.get("/simulate/runs")["data"].as_array().unwrap().len(), 1);
    sweep(app.world.now.get() + SECOND);
    for list in ["/simulate/runs", "/simulate/conversations"] {
        assert_eq!(app.get(list)["data"], json!([]), "{list}");
    }
}
