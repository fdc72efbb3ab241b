//! Touches: forward only, and each message once, in whatever order they come.

use conversation::{
    domain::{Error, Status},
    touch::{Rewording, Touch, reword, touch_many},
};
use sdk::{ids, testing::block_on};

use crate::{NOW, TestApp, inbound, outbound, tenant};

#[test]
fn is_one_statement_when_messages_come_in_order() {
    let app = TestApp::start();
    let id = app.open().id;
    app.memory.statements();
    app.touch(&[inbound(&id, 1)]);
    app.touch(&[outbound(&id, 2), inbound(&id, 3)]);
    assert_eq!(app.memory.statements().len(), 2);
    let touched = app.get(&id);
    assert_eq!((touched.last_seq, touched.unread_count), (3, 2));
    assert_eq!(
        (touched.last_message_preview.as_deref(), touched.last_message_at),
        (Some("message 3"), Some(inbound("", 3).at))
    );
}

#[test]
fn counts_each_message_once_in_every_order_and_twice_over() {
    let orders = permutations(&[1, 2, 3, 4, 5]);
    assert_eq!(orders.len(), 120);
    for order in orders {
        let app = TestApp::start();
        let id = app.open().id;
        let touch = |seq: u64| if seq == 2 { outbound(&id, seq) } else { inbound(&id, seq) };
        for seq in order.iter().chain(&order) {
            app.touch(&[touch(*seq)]);
        }
        let touched = app.get(&id);
        assert_eq!((touched.last_seq, touched.unread_count), (5, 4), "{order:?}");
        assert_eq!(touched.last_message_preview.as_deref(), Some("message 5"), "{order:?}");
        assert_eq!(touched.last_message_at, Some(inbound("", 5).at), "{order:?}");
        assert_eq!(app.memory.scalar("SELECT count(*) FROM touch_gaps"), 0, "{order:?}");
    }
}

fn permutations(items: &[u64]) -> Vec<Vec<u64>> {
    let Some((first, rest)) = items.split_first() else { return vec![Vec::new()] };
    let with = |shorter: Vec<u64>| {
        (0..=shorter.len()).map(move |at| [&shorter[..at], &[*first], &shorter[at..]].concat()).collect::<Vec<_>>()
    };
    permutations(rest).into_iter().flat_map(with).collect()
}

#[test]
fn counts_a_batch_with_holes_and_doubles() {
    let app = TestApp::start();
    let id = app.open().id;
    app.touch(&[inbound(&id, 7), inbound(&id, 2), inbound(&id, 2), inbound(&id, 4)]);
    assert_eq!((app.get(&id).last_seq, app.get(&id).unread_count), (7, 3));
    app.touch(&(1..=7).map(|seq| inbound(&id, seq)).collect::<Vec<_>>());
    assert_eq!((app.get(&id).last_seq, app.get(&id).unread_count), (7, 7));
}

#[test]
fn bears_a_number_far_ahead() {
    let app = TestApp::start();
    let id = app.open().id;
    let far = u64::try_from(i64::MAX).unwrap();
    app.touch(&[Touch { seq: far, ..inbound(&id, 1) }]);
    app.touch(&[inbound(&id, 5)]);
    assert_eq!((app.get(&id).last_seq, app.get(&id).unread_count), (far, 2));
    for seq in [0, far + 1] {
        let touches = vec![Touch { seq, ..inbound(&id, 1) }];
        let refused = block_on(touch_many(&app.app.store, &tenant(), touches, NOW));
        assert!(matches!(refused, Err(Error::Invalid { .. })));
    }
}

#[test]
fn reopens_a_closed_conversation_only_for_a_new_inbound_message() {
    let app = TestApp::start();
    let id = app.open().id;
    app.touch(&[inbound(&id, 1)]);
    app.close(&id);
    app.touch(&[inbound(&id, 1)]);
    app.touch(&[outbound(&id, 2)]);
    assert_eq!(app.get(&id).status, Status::Closed);
    app.touch(&[inbound(&id, 3)]);
    assert_eq!(app.get(&id).status, Status::Open);
}

#[test]
fn a_message_that_comes_hours_late_is_unread_and_not_the_newest_shown() {
    const HOUR: i64 = 3_600_000_000;
    let late = |id: &str, seq: u64| Touch { at: NOW - 2 * HOUR, preview: "late".into(), ..inbound(id, seq) };
    let at = |id: &str, seq: u64, at: i64| Touch { at, ..inbound(id, seq) };
    let app = TestApp::start();
    let one_by_one = app.open().id;
    app.touch(&[at(&one_by_one, 1, NOW - HOUR)]);
    app.touch(&[late(&one_by_one, 2)]);
    let together = app.open().id;
    app.touch(&[at(&together, 1, NOW - HOUR), late(&together, 2)]);
    let backwards = app.open().id;
    app.touch(&[late(&backwards, 2)]);
    app.touch(&[at(&backwards, 1, NOW - HOUR)]);
    for id in [&one_by_one, &together, &backwards] {
        let touched = app.get(id);
        assert_eq!((touched.last_seq, touched.unread_count, touched.last_message_at), (2, 2, Some(NOW - HOUR)));
        assert_eq!(touched.last_message_preview.as_deref(), Some("message 1"));
        let words = Rewording { conversation_id: id.clone(), seq: 1, preview: "edited".into(), changed_at: NOW };
        block_on(reword(&app.app.store, &tenant(), words, NOW)).unwrap();
        assert_eq!(app.get(id).last_message_preview.as_deref(), Some("edited"), "the one that is shown");
        app.touch(&[Touch { at: NOW - HOUR - 1_000_000, ..inbound(id, 3) }]);
        assert_eq!(app.get(id).last_message_preview.as_deref(), Some("message 3"), "clocks differ by seconds");
    }
}

#[test]
fn lets_no_clock_that_is_ahead_pin_a_conversation_to_the_top() {
    let app = TestApp::start();
    let id = app.open().id;
    app.touch(&[Touch { at: NOW * 2, ..inbound(&id, 1) }]);
    assert_eq!(app.get(&id).last_message_at, Some(NOW));
}

#[test]
fn touches_the_known_and_tells_of_the_unknown() {
    let app = TestApp::start();
    let id = app.open().id;
    let touches = vec![inbound(&ids::new(), 1), inbound(&id, 1)];
    let told = block_on(touch_many(&app.app.store, &tenant(), touches, NOW));
    assert_eq!((told, app.get(&id).unread_count), (Err(Error::NotFound), 1));
}

#[test]
fn shows_the_newest_message_in_its_newest_words() {
    let app = TestApp::start();
    let id = app.open().id;
    app.touch(&[inbound(&id, 1), inbound(&id, 2)]);
    let words = |seq: u64, preview: &str, changed_at: i64| {
        let rewording = Rewording { conversation_id: id.clone(), seq, preview: preview.to_owned(), changed_at };
        block_on(reword(&app.app.store, &tenant(), rewording, NOW))
    };
    let shown = || app.get(&id).last_message_preview.unwrap();
    words(1, "not the newest", NOW).unwrap();
    words(3, "not there yet", NOW).unwrap();
    assert_eq!(shown(), "message 2");
    let before = app.get(&id).updated_at;
    words(2, "second\nversion ", NOW + 2).unwrap();
    assert_eq!(shown(), "second version");
    assert!(app.get(&id).updated_at > before, "another version has another tag");
    words(2, "first version, told late", NOW + 1).unwrap();
    words(2, "second version, told again", NOW + 2).unwrap();
    assert_eq!(shown(), "second version");
    let other = Rewording { conversation_id: ids::new(), seq: 1, preview: "x".to_owned(), changed_at: NOW };
    assert_eq!(block_on(reword(&app.app.store, &tenant(), other, NOW)), Ok(()), "nothing to show");
    app.touch(&[outbound(&id, 3)]);
    assert_eq!(shown(), "message 3");
    words(3, "corrected", NOW + 1).unwrap();
    assert_eq!((shown().as_str(), app.get(&id).unread_count), ("corrected", 2));
    assert!(words(u64::MAX, "x", NOW).is_err());
}

#[test]
fn a_message_that_comes_late_is_unread_and_does_not_become_the_newest_shown() {
    let app = TestApp::start();
    let id = app.open().id;
    const HOUR: i64 = 3600 * 1_000_000;
    let at = |seq: u64, at: i64| Touch { at, ..inbound(&id, seq) };
    app.touch(&[at(1, NOW)]);
    app.touch(&[at(2, NOW - 2 * HOUR)]);
    let touched = app.get(&id);
    assert_eq!((touched.last_seq, touched.unread_count, touched.last_message_at), (2, 2, Some(NOW)));
    assert_eq!(touched.last_message_preview.as_deref(), Some("message 1"));
    // Clocks differ by seconds: that is not late.
    app.touch(&[at(3, NOW - 30_000_000)]);
    assert_eq!(app.get(&id).last_message_preview.as_deref(), Some("message 3"));
    app.touch(&[at(4, NOW), at(5, NOW - 2 * HOUR)]);
    let touched = app.get(&id);
    assert_eq!((touched.last_message_preview.as_deref(), touched.unread_count), (Some("message 4"), 5));
}
