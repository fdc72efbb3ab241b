//! Attachments: fetched after their message, through `media`, however often it takes.

mod addresses;
mod carried;
mod elsewhere;

use std::time::Duration;

use inbound_gateway::attachments::{Queue, Refusal};
use sdk::testing::block_on;
use serde_json::{Value, json};

use self::elsewhere::{Elsewhere, FILE, META};
use crate::support::{ACCOUNT, START, World, delivery};

/// Somebody has sent a picture.
fn picture(id: &str, media: &str) -> Value {
    let image = json!({ "id": media, "mime_type": "image/jpeg", "caption": "look",
        "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" });
    let message =
        json!({ "from": "16505551234", "id": id, "timestamp": "1749416383", "type": "image", "image": image });
    delivery(
        json!({ "contacts": [{ "profile": { "name": "Sheena" }, "wa_id": "16505551234" }], "messages": [message] }),
    )
}

const REFERENCE: &str = "whatsapp/106540352242922/wamid.1";

#[test]
fn the_message_is_there_at_once_and_its_file_follows() {
    let world = World::new();
    let elsewhere = Elsewhere::new(&world);
    let received = world.receive(&picture("wamid.1", "1013"));
    assert!(received.answer.processed);
    let (_, message) = world.messages.rows.borrow()[0].clone();
    let metadata: Value = serde_json::from_str(&message.metadata).unwrap();
    assert_eq!((message.body.as_deref(), &metadata["media"]["status"]), (Some("look"), &json!("pending")));
    assert_eq!((world.fetches.get(), elsewhere.asked().len()), (1, 0), "nobody waited for the file");

    elsewhere.has("1013", "2D711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881");
    elsewhere.round();
    let bearer = Some(format!("Bearer access_token of {ACCOUNT}"));
    let asked = [(format!("{META}/v23.0/1013"), bearer.clone()), (FILE.to_owned(), bearer)];
    assert_eq!(*elsewhere.asked.borrow(), asked);
    let hash = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881".to_owned();
    assert_eq!(*elsewhere.kept.borrow(), [("the bytes".to_owned(), Some(hash))]);
    let told = elsewhere.told.borrow()[0].clone();
    assert_eq!(
        (told.message_id.as_str(), told.medium.id, told.failure),
        ("message-1", format!("media of {REFERENCE}"), None)
    );
    assert_eq!(elsewhere.state(), ("ready".to_owned(), 1));
    elsewhere.round();
    assert_eq!(elsewhere.asked().len(), 2, "it is done with");
}

#[test]
fn a_repeated_webhook_fetches_nothing_twice() {
    let world = World::new();
    let elsewhere = Elsewhere::new(&world);
    elsewhere.has("1013", "");
    for _ in 0..3 {
        world.receive(&picture("wamid.1", "1013"));
        elsewhere.round();
    }
    assert_eq!((elsewhere.kept.borrow().len(), elsewhere.told.borrow().len()), (1, 1));
    assert_eq!(world.memory.scalar("SELECT count(*) FROM attachments"), 1);
}

#[test]
fn a_crash_between_the_message_and_its_file_loses_nothing() {
    let world = World::new();
    let elsewhere = Elsewhere::new(&world);
    elsewhere.has("1013", "");
    world.receive_and_crash(&picture("wamid.1", "1013"));
    block_on(world.store.claim_wanted(START, START + 90_000_000, 4)).unwrap();
    // Whoever had claimed it is gone; its lease ends.
    elsewhere.round();
    assert_eq!(elsewhere.told.borrow().len(), 0);
    world.pass(Duration::from_secs(91));
    elsewhere.round();
    assert_eq!(elsewhere.told.borrow().len(), 1);
}

#[test]
fn a_provider_s_faults_are_waited_out() {
    let world = World::new();
    let elsewhere = Elsewhere::new(&world);
    world.receive(&picture("wamid.1", "1013"));
    for reply in [Ok((500, String::new())), Ok((429, String::new())), Err("no answer".into()), Ok((401, String::new()))]
    {
        elsewhere.answers(&format!("{META}/v23.0/1013"), reply);
        elsewhere.round();
        elsewhere.round();
        assert_eq!(elsewhere.state().0, "pending");
        world.pass(Duration::from_secs(3600));
    }
    assert_eq!(elsewhere.asked().len(), 4, "once each, and not before its time");
    elsewhere.has("1013", "");
    elsewhere.round();
    assert_eq!(elsewhere.state(), ("ready".to_owned(), 5));
}

#[test]
fn what_never_comes_fails_visibly_after_the_last_attempt() {
    let world = World::new();
    let elsewhere = Elsewhere::new(&world);
    elsewhere.answers(&format!("{META}/v23.0/1013"), Ok((500, String::new())));
    world.receive(&picture("wamid.1", "1013"));
    for _ in 0..20 {
        elsewhere.round();
        world.pass(Duration::from_secs(3 * 3600));
    }
    assert_eq!(elsewhere.asked().len(), 8);
    assert_eq!(*elsewhere.given_up.borrow(), [format!("media of {REFERENCE}: the provider answers 500")]);
    assert_eq!(elsewhere.told.borrow()[0].failure.as_deref(), Some("the provider answers 500"));
    assert_eq!(elsewhere.state(), ("failed".to_owned(), 8));
}

#[test]
fn what_is_gone_or_refused_fails_at_once() {
    for (id, refusal, reason) in [
        ("gone", None, "the provider does not have the file any more"),
        (
            "1013",
            Some(Refusal::Never("files of the type application/zip are not taken".into())),
            "files of the type application/zip are not taken",
        ),
    ] {
        let world = World::new();
        let elsewhere = Elsewhere::new(&world);
        elsewhere.has("1013", "");
        elsewhere.refuses_files.replace(refusal);
        world.receive(&picture("wamid.1", id));
        elsewhere.round();
        assert_eq!(elsewhere.told.borrow()[0].failure.as_deref(), Some(reason));
    }
}

#[test]
fn a_url_that_is_too_old_is_asked_for_anew() {
    let world = World::new();
    let elsewhere = Elsewhere::new(&world);
    elsewhere.has("1013", "");
    elsewhere.answers(FILE, Ok((404, String::new())));
    world.receive(&picture("wamid.1", "1013"));
    elsewhere.round();
    assert_eq!((elsewhere.state(), elsewhere.told.borrow().len()), (("pending".to_owned(), 1), 0));
    elsewhere.has("1013", "");
    world.pass(Duration::from_secs(3600));
    elsewhere.round();
    assert_eq!(elsewhere.state(), ("ready".to_owned(), 2));
}

#[test]
fn an_id_that_meta_does_not_know_fails_at_once_and_other_errors_do_not() {
    for (code, state) in [(100, "failed"), (4, "pending")] {
        let world = World::new();
        let elsewhere = Elsewhere::new(&world);
        let error = json!({ "error": { "message": "Unsupported get request", "code": code } }).to_string();
        elsewhere.answers(&format!("{META}/v23.0/1013"), Ok((400, error)));
        world.receive(&picture("wamid.1", "1013"));
        elsewhere.round();
        assert_eq!(elsewhere.state().0, state, "{code}");
    }
}

#[test]
fn goes_nowhere_that_is_not_the_provider_s() {
    for place in [
        "http://169.254.169.254/latest",
        "http://media.spin.internal/x",
        "http://self/api/v1/customers",
        "https://self.alt/x",
        "https://admin.kobliat.internal/x",
        "https://evil.example/x",
        "/relative",
    ] {
        let world = World::new();
        let elsewhere = Elsewhere::new(&world);
        let description = json!({ "url": place }).to_string();
        elsewhere.answers(&format!("{META}/v23.0/1013"), Ok((200, description)));
        world.receive(&picture("wamid.1", "1013"));
        elsewhere.round();
        assert_eq!(elsewhere.asked().len(), 1, "{place}");
        assert!(elsewhere.told.borrow()[0].failure.is_some());
    }
}

#[test]
fn a_service_that_is_away_is_waited_for() {
    let world = World::new();
    let elsewhere = Elsewhere::new(&world);
    elsewhere.has("1013", "");
    elsewhere.media_is_down.set(true);
    world.receive(&picture("wamid.1", "1013"));
    for _ in 0..12 {
        elsewhere.round();
        world.pass(Duration::from_secs(4 * 3600));
    }
    assert_eq!((elsewhere.state().0.as_str(), elsewhere.told.borrow().len()), ("pending", 0));
    elsewhere.media_is_down.set(false);
    elsewhere.round();
    assert_eq!(elsewhere.state().0, "ready");
}

#[test]
fn a_file_that_is_here_is_not_fetched_again() {
    let world = World::new();
    let elsewhere = Elsewhere::new(&world);
    elsewhere.is_ready.set(true);
    world.receive(&picture("wamid.1", "1013"));
    elsewhere.round();
    assert_eq!((elsewhere.asked().len(), elsewhere.told.borrow().len()), (0, 1));
}

#[test]
fn a_clock_that_jumped_and_came_back_strands_no_file() {
    const HOUR: i64 = 3600 * 1_000_000;
    for ahead in [2 * HOUR, 3650 * 24 * HOUR] {
        let world = World::new();
        let elsewhere = Elsewhere::new(&world);
        elsewhere.answers(&format!("{META}/v23.0/1013"), Ok((500, String::new())));
        world.set_clock(START + ahead);
        world.receive(&picture("wamid.1", "1013"));
        elsewhere.round();
        world.set_clock(START);
        elsewhere.has("1013", "");
        world.tick_after(Duration::from_secs(1));
        elsewhere.round();
        assert_eq!(elsewhere.state(), ("ready".to_owned(), 2), "{ahead} µs");
    }
}

#[test]
fn retries_that_are_as_far_away_as_they_may_be_are_left_alone() {
    let world = World::new();
    let elsewhere = Elsewhere::new(&world);
    elsewhere.answers(&format!("{META}/v23.0/1013"), Ok((500, String::new())));
    world.receive(&picture("wamid.1", "1013"));
    for attempt in 1..=7 {
        elsewhere.round();
        let due = world.memory.scalar("SELECT due_at FROM attachments");
        world.tick_after(Duration::from_secs(1));
        assert_eq!(world.memory.scalar("SELECT due_at FROM attachments"), due, "after attempt {attempt}");
        world.set_clock(due);
    }
}

#[test]
fn what_is_done_with_or_was_never_fetched_is_forgotten() {
    let world = World::new();
    let elsewhere = Elsewhere::new(&world);
    elsewhere.media_is_down.set(true);
    world.receive(&picture("wamid.1", "1013"));
    elsewhere.round();
    world.tick_after(Duration::from_secs(29 * 24 * 3600));
    assert_eq!(world.memory.scalar("SELECT count(*) FROM attachments"), 1);
    world.tick_after(Duration::from_secs(2 * 24 * 3600));
    assert_eq!(world.memory.scalar("SELECT count(*) FROM attachments"), 0);
}

#[test]
fn the_queue_s_statements_use_their_indexes() {
    use inbound_gateway::store::attachments::{CLAIM, POSTPONE, SETTLE, SWEEP};
    let world = World::new();
    block_on(world.store.sweep_wanted(0, 1)).unwrap();
    for sql in [CLAIM, SETTLE, POSTPONE, SWEEP] {
        sdk::testing::assert_uses_indexes(&world.memory, sql);
    }
}
