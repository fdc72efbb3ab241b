//! Receivers that fail: tried again by the schedule, given up in the end, sent again by hand; others are not held up.

use ::http::Method;
use serde_json::Value;

use crate::{HOOK, RECEIVED, SECOND, TestApp, answer, busy};

const HOUR: i64 = 3600 * SECOND;

/// Lets time go by, with a round now and then, as the tick does.
fn pass(app: &TestApp, time: i64, step: i64) {
    for _ in 0..time / step {
        app.advance(step);
        app.round();
    }
}

fn id_of(endpoint: &Value) -> String {
    endpoint["id"].as_str().unwrap().to_owned()
}

#[test]
fn is_tried_again_and_taken_once_with_the_same_id() {
    let app = TestApp::start();
    let id = id_of(&app.endpoint(HOOK));
    app.answers(HOOK, answer(500));
    app.event("1", RECEIVED, "{}");
    app.round();
    app.round();
    assert_eq!(app.got().len(), 1, "not before its time");
    pass(&app, 10 * SECOND, SECOND);
    app.recovers(HOOK);
    pass(&app, HOUR, 60 * SECOND);
    let got = app.got();
    assert_eq!(got.len(), 2);
    assert_eq!(got[0].header("webhook-id"), got[1].header("webhook-id"));
    let attempts = app.attempts(&id);
    let told: Vec<_> =
        attempts.iter().map(|a| (a["number"].as_u64().unwrap(), a["status_code"].as_u64().unwrap())).collect();
    assert_eq!(told, [(3, 204), (2, 500), (1, 500)]);
    assert_eq!((&attempts[1]["answer"], &attempts[1]["trigger"]), (&"because".into(), &"schedule".into()));
    assert!(app.get(&format!("/webhook-endpoints/{id}"))["failing_since"].is_null());
}

#[test]
fn every_answer_but_2xx_is_a_failure_and_redirects_are_not_followed() {
    for said in [answer(301), answer(302), answer(404), answer(503), Err("no answer in time".to_owned())] {
        let app = TestApp::start();
        let id = id_of(&app.endpoint(HOOK));
        app.answers(HOOK, said.clone());
        app.event("1", RECEIVED, "{}");
        app.round();
        assert_eq!(app.got().len(), 1);
        assert_eq!(app.attempts(&id)[0]["status"], "failed", "{said:?}");
        assert_eq!(app.memory.scalar("SELECT count(*) FROM webhook_deliveries WHERE status = 'waiting'"), 1);
    }
}

#[test]
fn waits_as_long_as_the_receiver_asks() {
    let app = TestApp::start();
    app.endpoint(HOOK);
    app.answers(HOOK, busy(600));
    app.event("1", RECEIVED, "{}");
    app.round();
    app.recovers(HOOK);
    pass(&app, 599 * SECOND, SECOND);
    assert_eq!(app.got().len(), 1);
    pass(&app, 2 * SECOND, SECOND);
    assert_eq!(app.got().len(), 1);
}

#[test]
fn fails_for_good_after_ten_attempts_and_comes_back_by_recovery() {
    let app = TestApp::start();
    let id = id_of(&app.endpoint(HOOK));
    app.answers(HOOK, answer(500));
    app.event("1", RECEIVED, "{}");
    pass(&app, 100 * HOUR, 300 * SECOND);
    assert_eq!(app.got().len(), 10);
    assert_eq!(app.memory.scalar("SELECT count(*) FROM webhook_deliveries WHERE status = 'failed'"), 1);
    app.recovers(HOOK);
    let path = format!("/webhook-endpoints/{id}/recover");
    assert_eq!(app.post(&path, r#"{"since":"2035-01-01T00:00:00Z"}"#)["recovered"], 0);
    assert_eq!(app.post(&path, r#"{"since":"2025-01-01T00:00:00Z"}"#)["recovered"], 1);
    assert_eq!(app.send(Method::POST, &path, "{}").status(), 422);
    app.round();
    assert_eq!(app.got().len(), 1);
    assert_eq!(app.post(&path, r#"{"since":"2025-01-01T00:00:00Z"}"#)["recovered"], 0, "it was delivered");
}

#[test]
fn gone_is_an_answer_that_disables() {
    let app = TestApp::start();
    let id = id_of(&app.endpoint(HOOK));
    app.answers(HOOK, answer(410));
    app.event("1", RECEIVED, "{}");
    app.event("2", RECEIVED, "{}");
    app.round();
    app.event("3", RECEIVED, "{}");
    pass(&app, HOUR, 60 * SECOND);
    assert_eq!(app.got().len(), 1);
    let path = format!("/webhook-endpoints/{id}");
    let endpoint = app.get(&path);
    assert_eq!(
        (&endpoint["status"], &endpoint["disabled_reason"]),
        (&"disabled".into(), &"it answered 410 Gone".into())
    );
    let notice = &app.get("/notifications")["data"][0];
    assert_eq!((&notice["kind"], &notice["subject"]), (&"webhook_endpoint.disabled".into(), &id.as_str().into()));
    assert_eq!(app.send(Method::POST, &format!("{path}/test"), "").status(), 409);
    // Enabled again, it can have what it missed.
    app.recovers(HOOK);
    app.send(Method::PATCH, &path, r#"{"status":"enabled"}"#);
    assert_eq!(app.post(&format!("{path}/recover"), r#"{"since":"2025-01-01T00:00:00Z"}"#)["recovered"], 3);
    app.round();
    assert_eq!(app.got().len(), 3);
}

#[test]
fn five_days_of_failure_disable_but_one_success_in_between_does_not() {
    let app = TestApp::start();
    let path = format!("/webhook-endpoints/{}", id_of(&app.endpoint(HOOK)));
    app.answers(HOOK, answer(500));
    let day = |app: &TestApp, n: u32| {
        app.event(&format!("day{n}"), RECEIVED, "{}");
        pass(app, 24 * HOUR, 3600 * SECOND);
    };
    (0..4).for_each(|n| day(&app, n));
    app.recovers(HOOK);
    day(&app, 4);
    app.answers(HOOK, answer(500));
    (5..9).for_each(|n| day(&app, n));
    assert_eq!(app.get(&path)["status"], "enabled");
    (9..12).for_each(|n| day(&app, n));
    assert_eq!(app.get(&path)["disabled_reason"], "it has taken nothing for five days");
}

#[test]
fn a_resend_is_an_attempt_of_its_own_and_does_not_break_the_schedule() {
    let app = TestApp::start();
    let id = id_of(&app.endpoint(HOOK));
    app.answers(HOOK, answer(500));
    app.event("1", RECEIVED, "{}");
    app.round();
    let event_id = app.got()[0].header("webhook-id").to_owned();
    let due = app.memory.scalar("SELECT next_at FROM webhook_deliveries");
    let resend = |event_id: &str| {
        app.send(Method::POST, &format!("/webhook-endpoints/{id}/resend"), &format!(r#"{{"event_id":"{event_id}"}}"#))
    };
    assert_eq!((resend(&event_id).status().as_u16(), resend(&event_id).status().as_u16()), (202, 202));
    app.advance(3 * SECOND);
    app.round();
    assert_eq!(app.got().len(), 1);
    let attempts = app.attempts(&id);
    assert_eq!((&attempts[0]["trigger"], &attempts[0]["number"]), (&"manual".into(), &1.into()));
    assert_eq!(app.memory.scalar("SELECT next_at FROM webhook_deliveries"), due, "the schedule goes on where it was");
    app.recovers(HOOK);
    pass(&app, 10 * SECOND, SECOND);
    assert_eq!(app.got().len(), 1);
    assert_eq!(resend(&event_id).status(), 202, "also what was delivered");
    app.round();
    assert_eq!(app.got().len(), 1);
    assert_eq!(resend(&sdk::ids::new()).status(), 404);
}

#[test]
fn a_failing_endpoint_holds_up_nobody_else() {
    let app = TestApp::start();
    app.endpoint(HOOK);
    let other = "https://other.example.com/";
    app.endpoint(other);
    app.answers(HOOK, Err("no answer in time".to_owned()));
    (0..5).for_each(|n| drop(app.event(&format!("e{n}"), RECEIVED, "{}")));
    app.round();
    let got = app.got();
    assert_eq!(got.iter().filter(|got| got.url == other).count(), 5);
    assert_eq!(got.iter().filter(|got| got.url == HOOK).count(), 1, "it is left alone for a moment");
}

#[test]
fn an_endpoint_whose_server_died_is_served_again() {
    let app = TestApp::start();
    app.endpoint(HOOK);
    app.event("1", RECEIVED, "{}");
    {
        let mut abandoned = std::pin::pin!(notification::delivery::round(&app.service));
        let mut task = std::task::Context::from_waker(std::task::Waker::noop());
        while app.world.0.got.borrow().is_empty() {
            assert!(abandoned.as_mut().poll(&mut task).is_pending());
        }
    }
    app.got();
    app.round();
    assert!(app.got().is_empty(), "somebody else seems to serve it");
    app.advance(61 * SECOND);
    app.round();
    assert_eq!(app.got().len(), 1);
}

const LEFT: &str = "SELECT (SELECT count(*) FROM webhook_deliveries) + (SELECT count(*) FROM webhook_attempts) \
                    + (SELECT count(*) FROM webhook_events)";

#[test]
fn what_is_old_is_forgotten_also_what_failed() {
    let app = TestApp::start();
    app.endpoint(HOOK);
    app.event("1", RECEIVED, "{}");
    app.round();
    app.answers(HOOK, answer(500));
    app.event("2", RECEIVED, "{}");
    pass(&app, 100 * HOUR, 300 * SECOND);
    assert_eq!(app.memory.scalar("SELECT count(*) FROM webhook_deliveries WHERE status = 'failed'"), 1);
    app.advance(31 * 24 * HOUR);
    app.round();
    assert_eq!(app.memory.scalar(LEFT), 0);
}

#[test]
fn one_round_forgets_more_than_one_step_takes_and_as_late_as_the_deployment_says() {
    let app = TestApp::start();
    for n in 0..3 {
        app.endpoint(&format!("{HOOK}/{n}"));
    }
    for n in 0..400 {
        app.event(&n.to_string(), "com.kobliat.message.failed.v1", "{}");
        app.round();
    }
    let set = |name: &str, days: &str| _ = app.world.0.settings.borrow_mut().insert(name.to_owned(), days.to_owned());
    set("webhook_event_retention_days", "2");
    set("notification_retention_days", "5");
    app.advance(3 * 24 * HOUR);
    app.round();
    assert_eq!((app.memory.scalar(LEFT), app.memory.scalar("SELECT count(*) FROM notifications")), (0, 400));
    app.advance(3 * 24 * HOUR);
    app.round();
    assert_eq!(app.memory.scalar("SELECT count(*) FROM notifications"), 0);
}

/// A clock that was ahead for a while, and is right again.
#[test]
fn a_clock_that_jumped_and_came_back_strands_no_webhook() {
    for ahead in [HOUR, 30 * 24 * HOUR, 3650 * 24 * HOUR] {
        let app = TestApp::start();
        app.endpoint(HOOK);
        app.answers(HOOK, answer(500));
        app.event("before", RECEIVED, "{}");
        let right = app.world.0.now.get();
        app.advance(ahead);
        app.round();
        app.event("ahead", RECEIVED, "{}");
        // Another instance has begun, and died.
        {
            let mut abandoned = std::pin::pin!(notification::delivery::round(&app.service));
            let mut task = std::task::Context::from_waker(std::task::Waker::noop());
            app.advance(10 * SECOND);
            app.got();
            while app.world.0.got.borrow().is_empty() {
                assert!(abandoned.as_mut().poll(&mut task).is_pending());
            }
        }
        app.world.0.now.set(right + 10 * SECOND);
        app.recovers(HOOK);
        app.got();
        app.round();
        app.advance(5 * SECOND);
        app.round();
        assert_eq!(app.got().len(), 2, "{ahead} µs");
    }
}

#[test]
fn a_url_that_a_rule_does_not_allow_any_more_is_not_gone_to() {
    let app = TestApp::start();
    let id = id_of(&app.endpoint(HOOK));
    for url in
        ["http://self/api/v1/customers", "http://self.alt/", "http://admin.kobliat.internal/", "http://127.0.0.1/"]
    {
        app.memory.sqlite().execute("UPDATE webhook_endpoints SET url = ?1", [url]).unwrap();
        app.event(url, RECEIVED, "{}");
        app.round();
        assert!(app.got().is_empty(), "{url}");
        let attempt = &app.attempts(&id)[0];
        assert_eq!(attempt["status"], "failed");
        assert!(attempt["error"].as_str().unwrap().contains("must not lead into"), "{attempt}");
        app.advance(3 * SECOND);
    }
}
