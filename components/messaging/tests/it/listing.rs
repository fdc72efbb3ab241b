//! Lists of messages: what failed or nobody knows the end of, of a period, of one conversation; in both directions.

use ::http::Method;
use messaging::domain::NewMessage;
use sdk::{ids, testing::json};

use crate::{CONVERSATION, TestApp, inbound, outbound};

/// Ten messages, one a day from 1970-01-01 on; every third came in, the others go out.
fn ten(app: &TestApp) -> Vec<String> {
    let stored: Vec<String> = (0..10)
        .map(|n| {
            let new = if n % 3 == 0 { inbound(&format!("in.{n}")) } else { outbound() };
            app.insert_one(NewMessage { client_ref: Some(format!("ref {n}")), body: Some(format!("day {n}")), ..new })
                .message
                .id
        })
        .collect();
    for (day, id) in stored.iter().enumerate() {
        let at = i64::try_from(day).unwrap() * 86_400_000_000;
        app.memory.sqlite().execute("UPDATE messages SET created_at = ?1 WHERE id = ?2", (at, id)).unwrap();
    }
    stored
}

fn set(app: &TestApp, id: &str, status: &str) {
    app.memory.sqlite().execute("UPDATE messages SET status = ?1 WHERE id = ?2", (status, id)).unwrap();
}

/// The days of all pages of a list.
fn walk(app: &TestApp, query: &str) -> Vec<usize> {
    let path = format!("/messages?limit=2&{query}");
    let (mut seen, mut next) = (Vec::new(), path.clone());
    loop {
        let answer = app.send(Method::GET, &next, "");
        assert_eq!(answer.status(), 200, "{next}");
        let page = json(&answer);
        let days =
            page["data"].as_array().unwrap().iter().map(|one| one["body"].as_str().unwrap()[4..].parse::<usize>());
        seen.extend(days.map(Result::unwrap));
        let Some(cursor) = page["meta"]["next_cursor"].as_str() else { return seen };
        next = format!("{path}&cursor={cursor}");
    }
}

#[test]
fn lists_what_failed_and_what_nobody_knows_the_end_of() {
    let app = TestApp::start();
    let stored = ten(&app);
    for (day, status) in [(1, "failed"), (4, "failed"), (5, "unknown"), (8, "failed")] {
        set(&app, &stored[day], status);
    }
    assert_eq!(
        (walk(&app, "status=failed"), walk(&app, "failed=true&sort=created_at")),
        (vec![8, 4, 1], vec![1, 4, 8])
    );
    assert_eq!((walk(&app, "status=unknown"), walk(&app, "status=queued")), (vec![5], vec![7, 2]));
    assert_eq!(walk(&app, "status=failed&created_after=1970-01-03&created_before=1970-01-09"), [4]);
    assert_eq!(walk(&app, "failed=false"), [9, 7, 6, 5, 3, 2, 0]);
    assert_eq!(walk(&app, &format!("status=failed&conversation_id={CONVERSATION}")), [8, 4, 1]);
    assert!(walk(&app, &format!("status=failed&conversation_id={}", ids::new())).is_empty());
    assert_eq!(walk(&app, "q=day&status=failed"), [8, 4, 1]);
}

#[test]
fn lists_a_period_in_both_directions_with_and_without_words() {
    let app = TestApp::start();
    ten(&app);
    let all: Vec<usize> = (0..10).collect();
    assert_eq!(walk(&app, "sort=created_at"), all);
    assert_eq!(walk(&app, "").iter().rev().copied().collect::<Vec<_>>(), all);
    let period = "created_after=1970-01-03&created_before=1970-01-06";
    for more in
        ["", "&q=day", &format!("&conversation_id={CONVERSATION}"), &format!("&q=day&conversation_id={CONVERSATION}")]
    {
        assert_eq!(walk(&app, &format!("{period}{more}")), [4, 3, 2], "{more}");
        assert_eq!(walk(&app, &format!("{period}{more}&sort=created_at")), [2, 3, 4], "{more}");
    }
    let page = json(&app.send(Method::GET, "/messages?limit=1", ""));
    let cursor = page["meta"]["next_cursor"].as_str().unwrap();
    for other in ["sort=created_at", "status=failed", &format!("conversation_id={CONVERSATION}"), "q=day"] {
        let path = format!("/messages?limit=1&{other}&cursor={cursor}");
        assert_eq!(app.send(Method::GET, &path, "").status(), 422, "{other}");
    }
    let somebody = format!("/messages?sender_customer_id={}", ids::new());
    assert_eq!(app.send(Method::GET, &somebody, "").status(), 422, "a person's alone are found along no index");
}
