//! What every engine must do, one promise per test.

use crate::engines::*;
use kobliat_events::engine::*;

/// Each promise, for each engine.
macro_rules! promises {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::engines::Sqlite::default()).await;
            })*
        }
    };
}

promises! {
    gives_out_the_first_of_each_key_and_the_next_when_it_is_done
    a_retry_holds_back_its_own_key_only
    a_known_event_is_passed_over
    each_subscription_has_its_own_place
    what_was_claimed_waits_again_after_a_crash
    what_was_settled_stays_settled_after_a_crash
    a_released_claim_costs_no_attempt
    settling_twice_counts_once
    a_dead_letter_lets_its_key_go_on_and_keeps_its_event
    a_dead_letter_is_announced_in_the_same_step
    redriving_restores_the_order_of_the_key
    redriving_while_the_next_is_under_way_never_gives_two_of_a_key
    discarding_is_for_good
    dead_letters_are_listed_newest_first_by_tenant_and_subscription
    a_claim_is_bounded_by_number_and_bytes
    counts_are_right_after_a_restart
    an_event_for_nobody_is_only_remembered
    a_clock_that_went_back_delays_nothing
    a_clock_that_went_forward_brings_retries_early_and_in_order
    old_ids_are_forgotten_and_positions_go_on
    dead_letters_are_kept_for_their_time_and_up_to_their_number
    what_waits_for_a_subscription_that_is_gone_is_given_up_with_its_id
    the_age_of_what_waits_is_that_of_the_oldest
}

async fn publish(engine: &std::sync::Arc<dyn Engine>, batch: Vec<Publication>) -> Published {
    engine.publish(0, batch).await.unwrap()
}

async fn gives_out_the_first_of_each_key_and_the_next_when_it_is_done(subject: impl Subject) {
    let engine = subject.open(0).await;
    publish(&engine, ["a1 a", "a2 a", "b1 b"].map(|it| of(it, &["s"])).into()).await;
    let first = claim(&engine, "s", 0).await;
    assert_eq!(ids(&first), ["a1", "b1"]);
    assert_eq!(first[0].event.data, "data of a1");
    assert!(claim(&engine, "s", 0).await.is_empty(), "a key in flight waits");
    settle(&engine, "s", 1, &first[0], Outcome::Done).await;
    assert_eq!(ids(&claim(&engine, "s", 1).await), ["a2"]);
}

/// `id key`
fn of(text: &str, subscriptions: &[&str]) -> Publication {
    let (id, key) = text.split_once(' ').unwrap();
    publication(id, key, subscriptions)
}

async fn a_retry_holds_back_its_own_key_only(subject: impl Subject) {
    let engine = subject.open(0).await;
    publish(&engine, ["a1 a", "a2 a", "b1 b", "b2 b"].map(|it| of(it, &["s"])).into()).await;
    let first = claim(&engine, "s", 0).await;
    settle(&engine, "s", 0, &first[0], Outcome::Retry { at: 50, failure: failure() }).await;
    settle(&engine, "s", 0, &first[1], Outcome::Done).await;
    let claimed = engine.claim("s", 1, ROOM).await.unwrap();
    assert_eq!(ids(&claimed.deliveries), ["b2"]);
    assert_eq!(claimed.next_due, Some(50));
    let again = claim(&engine, "s", 50).await;
    assert_eq!((ids(&again), again[0].attempts), (vec!["a1"], 1));
}

async fn a_known_event_is_passed_over(subject: impl Subject) {
    let engine = subject.open(0).await;
    let batch = || vec![of("a1 a", &["s"]), of("a1 a", &["s"])];
    assert_eq!(publish(&engine, batch()).await, Published { stored: 1, known: vec![1] });
    let first = claim(&engine, "s", 0).await;
    settle(&engine, "s", 0, &first[0], Outcome::Done).await;
    drop(engine);
    let engine = subject.open(0).await;
    assert_eq!(
        publish(&engine, batch()).await,
        Published { stored: 0, known: vec![0, 1] },
        "delivered, and still known"
    );
    assert!(claim(&engine, "s", 0).await.is_empty());
}

async fn each_subscription_has_its_own_place(subject: impl Subject) {
    let engine = subject.open(0).await;
    publish(&engine, vec![of("a1 a", &["s", "r"]), of("a2 a", &["r"])]).await;
    let at_s = claim(&engine, "s", 0).await;
    settle(&engine, "s", 0, &at_s[0], Outcome::Retry { at: 9, failure: failure() }).await;
    let at_r = claim(&engine, "r", 0).await;
    settle(&engine, "r", 0, &at_r[0], Outcome::Done).await;
    assert_eq!(ids(&claim(&engine, "r", 0).await), ["a2"]);
    assert_eq!(ids(&claim(&engine, "s", 9).await), ["a1"], "the event is there until the last has it");
}

async fn what_was_claimed_waits_again_after_a_crash(subject: impl Subject) {
    let engine = subject.open(0).await;
    publish(&engine, vec![of("a1 a", &["s"]), of("a2 a", &["s"])]).await;
    assert_eq!(ids(&claim(&engine, "s", 0).await), ["a1"]);
    drop(engine);
    let engine = subject.open(0).await;
    let again = claim(&engine, "s", 0).await;
    assert_eq!((ids(&again), again[0].attempts), (vec!["a1"], 0));
}

async fn what_was_settled_stays_settled_after_a_crash(subject: impl Subject) {
    let engine = subject.open(0).await;
    publish(&engine, ["a1 a", "b1 b", "c1 c", "a2 a"].map(|it| of(it, &["s"])).into()).await;
    let first = claim(&engine, "s", 0).await;
    settle(&engine, "s", 0, &first[0], Outcome::Done).await;
    settle(&engine, "s", 0, &first[1], Outcome::Retry { at: 7, failure: failure() }).await;
    settle(&engine, "s", 0, &first[2], dead("d1")).await;
    drop(engine);
    let engine = subject.open(0).await;
    assert_eq!(ids(&claim(&engine, "s", 6).await), ["a2"]);
    assert_eq!(ids(&claim(&engine, "s", 7).await), ["b1"]);
    assert_eq!(engine.dead_letter("d1".to_owned()).await.unwrap().unwrap().event.id(), "c1");
}

async fn a_released_claim_costs_no_attempt(subject: impl Subject) {
    let engine = subject.open(0).await;
    publish(&engine, vec![of("a1 a", &["s"])]).await;
    let first = claim(&engine, "s", 0).await;
    settle(&engine, "s", 0, &first[0], Outcome::Released).await;
    assert_eq!(claim(&engine, "s", 0).await[0].attempts, 0);
}

async fn settling_twice_counts_once(subject: impl Subject) {
    let engine = subject.open(0).await;
    publish(&engine, vec![of("a1 a", &["s"]), of("a2 a", &["s"])]).await;
    let first = claim(&engine, "s", 0).await;
    for _ in 0..2 {
        settle(&engine, "s", 0, &first[0], Outcome::Done).await;
    }
    assert_eq!(engine.backlog(), 1);
    assert_eq!(ids(&claim(&engine, "s", 0).await), ["a2"]);
}

async fn a_dead_letter_lets_its_key_go_on_and_keeps_its_event(subject: impl Subject) {
    let engine = subject.open(0).await;
    publish(&engine, vec![of("a1 a", &["s"]), of("a2 a", &["s"])]).await;
    let first = claim(&engine, "s", 0).await;
    settle(&engine, "s", 5, &first[0], dead("d1")).await;
    assert_eq!(ids(&claim(&engine, "s", 5).await), ["a2"]);
    let letter = engine.dead_letter("d1".to_owned()).await.unwrap().unwrap();
    assert_eq!((letter.attempts, letter.failure, letter.died_at), (1, failure(), 5));
    assert_eq!((letter.subscription.as_str(), letter.event), ("s", event("a1", "a")));
}

async fn a_dead_letter_is_announced_in_the_same_step(subject: impl Subject) {
    let engine = subject.open(0).await;
    publish(&engine, vec![of("a1 a", &["s"])]).await;
    let first = claim(&engine, "s", 0).await;
    let announcement = Some(Box::new(of("told a", &["watcher"])));
    let outcome = Outcome::Dead { id: "d1".to_owned(), failure: failure(), announcement };
    settle(&engine, "s", 0, &first[0], outcome).await;
    drop(engine);
    let engine = subject.open(0).await;
    assert_eq!(ids(&claim(&engine, "watcher", 0).await), ["told"]);
}

async fn redriving_restores_the_order_of_the_key(subject: impl Subject) {
    let engine = subject.open(0).await;
    publish(&engine, ["a1 a", "a2 a", "a3 a"].map(|it| of(it, &["s"])).into()).await;
    for letter in ["d1", "d2"] {
        let first = claim(&engine, "s", 0).await;
        settle(&engine, "s", 0, &first[0], dead(letter)).await;
    }
    assert_eq!(engine.redrive(0, Selection::Subscription("s".to_owned())).await.unwrap(), 2);
    for expected in ["a1", "a2", "a3"] {
        let next = claim(&engine, "s", 0).await;
        assert_eq!((ids(&next), next[0].attempts), (vec![expected], 0));
        settle(&engine, "s", 0, &next[0], Outcome::Done).await;
    }
    assert_eq!(engine.backlog(), 0);
}

async fn redriving_while_the_next_is_under_way_never_gives_two_of_a_key(subject: impl Subject) {
    let engine = subject.open(0).await;
    publish(&engine, ["a1 a", "a2 a", "a3 a"].map(|it| of(it, &["s"])).into()).await;
    let first = claim(&engine, "s", 0).await;
    settle(&engine, "s", 0, &first[0], dead("d1")).await;
    let second = claim(&engine, "s", 0).await;
    assert_eq!(ids(&second), ["a2"]);
    assert_eq!(engine.redrive(0, Selection::One("d1".to_owned())).await.unwrap(), 1);
    assert!(claim(&engine, "s", 0).await.is_empty(), "a2 is under way");
    settle(&engine, "s", 0, &second[0], Outcome::Retry { at: 0, failure: failure() }).await;
    for expected in ["a1", "a2", "a3"] {
        let next = claim(&engine, "s", 1).await;
        assert_eq!(ids(&next), [expected]);
        settle(&engine, "s", 1, &next[0], Outcome::Done).await;
    }
}

async fn discarding_is_for_good(subject: impl Subject) {
    let engine = subject.open(0).await;
    publish(&engine, vec![of("a1 a", &["s"]), of("b1 b", &["s"])]).await;
    for (delivery, letter) in claim(&engine, "s", 0).await.iter().zip(["d1", "d2"]) {
        settle(&engine, "s", 0, delivery, dead(letter)).await;
    }
    assert_eq!(engine.discard(Selection::One("d1".to_owned())).await.unwrap(), 1);
    assert_eq!(engine.discard(Selection::One("d1".to_owned())).await.unwrap(), 0);
    assert_eq!(engine.redrive(0, Selection::One("d1".to_owned())).await.unwrap(), 0);
    assert_eq!(engine.discard(Selection::Subscription("s".to_owned())).await.unwrap(), 1);
    assert!(claim(&engine, "s", 0).await.is_empty());
}

async fn dead_letters_are_listed_newest_first_by_tenant_and_subscription(subject: impl Subject) {
    let engine = subject.open(0).await;
    publish(&engine, vec![of("a1 a", &["s", "r"]), of("b1 b", &["s"])]).await;
    for (delivery, letter) in claim(&engine, "s", 0).await.iter().zip(["d1", "d2"]) {
        settle(&engine, "s", 0, delivery, dead(letter)).await;
    }
    settle(&engine, "r", 0, &claim(&engine, "r", 0).await[0], dead("d3")).await;
    let list = async |query: DeadLetterQuery| {
        let letters = engine.dead_letters(query).await.unwrap();
        letters.into_iter().map(|letter| letter.id).collect::<Vec<_>>()
    };
    let all = DeadLetterQuery { limit: 10, ..DeadLetterQuery::default() };
    assert_eq!(list(all.clone()).await, ["d3", "d2", "d1"]);
    assert_eq!(list(DeadLetterQuery { before: Some("d3".to_owned()), limit: 1, ..all.clone() }).await, ["d2"]);
    assert_eq!(list(DeadLetterQuery { subscription: Some("s".to_owned()), ..all.clone() }).await, ["d2", "d1"]);
    assert_eq!(list(DeadLetterQuery { tenant: Some("t".to_owned()), ..all.clone() }).await.len(), 3);
    assert!(list(DeadLetterQuery { tenant: Some("other".to_owned()), ..all }).await.is_empty());
}

async fn a_claim_is_bounded_by_number_and_bytes(subject: impl Subject) {
    let engine = subject.open(0).await;
    publish(&engine, (0..10).map(|n| publication(&n.to_string(), &n.to_string(), &["s"])).collect()).await;
    let claimed = engine.claim("s", 0, Room { deliveries: 3, bytes: 1 << 20 }).await.unwrap();
    assert_eq!((claimed.deliveries.len(), claimed.more), (3, true));
    let claimed = engine.claim("s", 0, Room { deliveries: 100, bytes: 0 }).await.unwrap();
    assert_eq!((claimed.deliveries.len(), claimed.more), (1, true), "one, however large");
    let claimed = engine.claim("s", 0, ROOM).await.unwrap();
    assert_eq!((claimed.deliveries.len(), claimed.more), (6, false));
}

async fn counts_are_right_after_a_restart(subject: impl Subject) {
    let engine = subject.open(0).await;
    engine.declare(vec!["idle".to_owned(), "s".to_owned()]).await.unwrap();
    publish(&engine, vec![of("a1 a", &["s"]), of("b1 b", &["s"]), of("c1 c", &["gone"])]).await;
    settle(&engine, "s", 0, &claim(&engine, "s", 0).await[0], dead("d1")).await;
    let count = |subscription: &str, waiting, dead| Count { subscription: subscription.to_owned(), waiting, dead };
    let expected = [count("gone", 1, 0), count("idle", 0, 0), count("s", 1, 1)];
    assert_eq!(engine.counts().await.unwrap(), expected);
    drop(engine);
    let engine = subject.open(0).await;
    assert_eq!(engine.backlog(), 2);
    let left = [count("gone", 1, 0), count("s", 1, 1)];
    assert_eq!(engine.counts().await.unwrap(), left, "nobody declares `idle` any more");
}

async fn an_event_for_nobody_is_only_remembered(subject: impl Subject) {
    let engine = subject.open(0).await;
    assert_eq!(publish(&engine, vec![of("a1 a", &[])]).await.stored, 1);
    assert_eq!(publish(&engine, vec![of("a1 a", &["s"])]).await.known, [0]);
    assert_eq!(engine.backlog(), 0);
}

async fn a_clock_that_went_forward_brings_retries_early_and_in_order(subject: impl Subject) {
    let engine = subject.open(0).await;
    publish(&engine, vec![of("a1 a", &["s"]), of("a2 a", &["s"])]).await;
    let first = claim(&engine, "s", 0).await;
    settle(&engine, "s", 0, &first[0], Outcome::Retry { at: 3600 * 1_000_000, failure: failure() }).await;
    drop(engine);
    let year = 365 * 24 * 3600 * 1_000_000;
    let engine = subject.open(year).await;
    let again = claim(&engine, "s", year).await;
    assert_eq!((ids(&again), again[0].attempts), (vec!["a1"], 1));
    settle(&engine, "s", year, &again[0], Outcome::Done).await;
    assert_eq!(ids(&claim(&engine, "s", year).await), ["a2"]);
}

async fn a_clock_that_went_back_delays_nothing(subject: impl Subject) {
    let year = 365 * 24 * 3600 * 1_000_000;
    let engine = subject.open(year).await;
    engine.publish(year, vec![of("a1 a", &["s"]), of("b1 b", &["s"])]).await.unwrap();
    let first = claim(&engine, "s", year).await;
    settle(&engine, "s", year, &first[0], Outcome::Retry { at: year, failure: failure() }).await;
    drop(engine);
    let engine = subject.open(0).await;
    assert_eq!(ids(&claim(&engine, "s", 0).await), ["a1", "b1"], "nothing waits for a year that was a mistake");
}

async fn old_ids_are_forgotten_and_positions_go_on(subject: impl Subject) {
    let engine = subject.open(0).await;
    for n in 0..3 {
        engine.publish(n, vec![publication(&n.to_string(), "k", &["s"])]).await.unwrap();
    }
    assert_eq!(engine.forget(2).await.unwrap(), 2);
    assert_eq!(engine.forget(100).await.unwrap(), 0, "the newest is kept");
    publish(&engine, vec![of("0 k", &["s"])]).await;
    let mut order = Vec::new();
    for _ in 0..4 {
        let next = claim(&engine, "s", 10).await;
        order.push(next[0].event.id().to_owned());
        settle(&engine, "s", 10, &next[0], Outcome::Done).await;
    }
    assert_eq!(order, ["0", "1", "2", "0"], "a forgotten id is a new event, behind the others");
}

/// Kills the first delivery of `key`, as the dead letter of the same name, at this time.
async fn kill(engine: &std::sync::Arc<dyn Engine>, key: &str, now: i64) {
    publish(engine, vec![publication(key, key, &["s"])]).await;
    let claimed = claim(engine, "s", now).await;
    settle(engine, "s", now, &claimed[0], dead(key)).await;
}

async fn dead_letters_are_kept_for_their_time_and_up_to_their_number(subject: impl Subject) {
    let engine = subject.open(0).await;
    engine.declare(vec!["s".to_owned()]).await.unwrap();
    for (number, key) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        kill(&engine, key, number as i64 * 10).await;
    }
    let left = async || -> Vec<String> {
        let query = DeadLetterQuery { limit: 10, ..DeadLetterQuery::default() };
        engine.dead_letters(query).await.unwrap().into_iter().map(|letter| letter.id).collect()
    };
    assert_eq!(engine.expire(0, 100).await.unwrap(), Expired::default());
    assert_eq!(engine.expire(20, 100).await.unwrap(), Expired { dead_letters: 2, orphans: 0 });
    assert_eq!(left().await, ["e", "d", "c"]);
    assert_eq!(engine.expire(0, 1).await.unwrap(), Expired { dead_letters: 2, orphans: 0 });
    assert_eq!(left().await, ["e"], "the youngest are kept");
    assert_eq!(engine.counts().await.unwrap()[0].dead, 1);
    drop(engine);
    let engine = subject.open(0).await;
    assert_eq!(engine.counts().await.unwrap()[0].dead, 1);
    assert_eq!(engine.redrive(100, Selection::One("e".to_owned())).await.unwrap(), 1, "its event is still there");
}

async fn what_waits_for_a_subscription_that_is_gone_is_given_up_with_its_id(subject: impl Subject) {
    let engine = subject.open(0).await;
    engine.declare(vec!["s".to_owned(), "gone".to_owned()]).await.unwrap();
    for n in 0..4 {
        engine.publish(n, vec![publication(&n.to_string(), "k", &["s", "gone"])]).await.unwrap();
    }
    drop(engine);
    let engine = subject.open(0).await;
    engine.declare(vec!["s".to_owned()]).await.unwrap();
    assert_eq!(engine.expire(0, 100).await.unwrap().orphans, 0, "the ids are remembered still");
    assert_eq!(engine.forget(2).await.unwrap(), 2);
    assert_eq!(engine.expire(0, 100).await.unwrap(), Expired { dead_letters: 0, orphans: 2 });
    assert_eq!(engine.backlog(), 6, "s has all of its four, and the younger two of the other wait");
    assert_eq!(ids(&claim(&engine, "s", 10).await), ["0"]);
}

async fn the_age_of_what_waits_is_that_of_the_oldest(subject: impl Subject) {
    let engine = subject.open(0).await;
    engine.declare(vec!["s".to_owned(), "idle".to_owned()]).await.unwrap();
    for (n, key) in [(5, "a"), (6, "b"), (7, "a")] {
        engine.publish(n, vec![publication(&n.to_string(), key, &["s"])]).await.unwrap();
    }
    assert_eq!(engine.oldest().await.unwrap(), [("s".to_owned(), 5)]);
    let first = claim(&engine, "s", 10).await;
    assert_eq!(engine.oldest().await.unwrap(), [("s".to_owned(), 5)], "what is under way waits, too");
    settle(&engine, "s", 10, &first[0], Outcome::Done).await;
    assert_eq!(engine.oldest().await.unwrap(), [("s".to_owned(), 6)]);
}
