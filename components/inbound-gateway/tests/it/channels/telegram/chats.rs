//! Who writes in which chat, what Telegram says itself, and where an answer has to go.

use super::*;

#[test]
fn two_changes_in_one_second_are_two() {
    let world = world();
    update(&world, &message(7, json!({"text": "two boxes"})));
    for (number, words) in [(2000, "three boxes"), (2001, "four boxes")] {
        let edited = changed(message(7, json!({"text": words, "edit_date": 1_749_416_390})), number);
        assert_eq!(update(&world, &edited)["accepted"], 1, "{words}");
        assert_eq!(update(&world, &edited)["duplicates"], 1, "{words}");
    }
    assert_eq!(world.messages.bodies(), ["two boxes", "three boxes", "four boxes"]);
}

#[test]
fn who_writes_as_a_group_or_a_channel_is_that_and_no_shared_person() {
    let world = world();
    for (number, from, sender) in [
        // The fake users of Bot API: anonymous administrators, channels that write in a group, and their posts that are forwarded to it.
        (1, 1_087_968_824_i64, json!({"id": -1_001, "type": "supergroup", "title": "Team One"})),
        (2, 1_087_968_824, json!({"id": -1_002, "type": "supergroup", "title": "Team Two"})),
        (3, 136_817_688, json!({"id": -1_003, "type": "channel", "title": "News"})),
        (4, 777_000, json!({"id": -1_004, "type": "channel", "title": "More News"})),
    ] {
        let mut written = message(
            number,
            json!({"text": "hello", "sender_chat": sender, "chat": {"id": -1_001, "type": "supergroup"}}),
        );
        written["message"]["from"] = json!({"id": from, "is_bot": true, "first_name": "Group"});
        assert_eq!(update(&world, &written)["accepted"], 1);
    }
    let post = json!({"update_id": 9, "channel_post": {"message_id": 1, "date": 1_749_416_383, "text": "news",
        "sender_chat": {"id": -1_003, "type": "channel", "title": "News"}, "chat": {"id": -1_003, "type": "channel", "title": "News"}}});
    assert_eq!(update(&world, &post)["accepted"], 1);
    let reaction = json!({"update_id": 10, "message_reaction": {"chat": {"id": -1_001, "type": "supergroup"}, "message_id": 5, "date": 1_749_416_383,
        "actor_chat": {"id": -1_002, "title": "Team Two"}, "old_reaction": [], "new_reaction": [{"type": "emoji", "emoji": "👍"}]}});
    assert_eq!(update(&world, &reaction)["accepted"], 1);
    let mut ids: Vec<String> = world.customers.identities.borrow().keys().map(|key| key.3.clone()).collect();
    ids.sort();
    assert_eq!(ids, ["-1001", "-1002", "-1003", "-1004"]);
    let mut names: Vec<String> = world.customers.names.borrow().values().cloned().collect();
    names.sort();
    assert_eq!(names, ["More News", "News", "Team One", "Team Two"]);
}

/// In the chat that the business account's owner has with customer 4242.
fn business(number: i64, from: Value, words: &str) -> Value {
    let chat = json!({"id": 4242, "type": "private", "first_name": "Cleo", "last_name": "C"});
    json!({"update_id": 1000 + number, "business_message": {"message_id": number, "business_connection_id": "bc-1", "date": 1_749_416_383,
        "from": from, "chat": chat, "text": words}})
}

#[test]
fn what_the_owner_of_a_business_account_types_is_outbound_in_the_customer_s_conversation() {
    let world = world();
    let owner = json!({"id": 88, "first_name": "Olga Owner"});
    assert_eq!(
        update(&world, &business(1, json!({"id": 4242, "first_name": "Cleo"}), "is it in stock?"))["accepted"],
        1
    );
    assert_eq!(update(&world, &business(2, owner.clone(), "yes, two left"))["accepted"], 1);
    let mut corrected = business(2, owner.clone(), "yes, three left");
    corrected["edited_business_message"] = corrected["business_message"].take();
    corrected.as_object_mut().unwrap().remove("business_message");
    corrected["update_id"] = json!(3000);
    assert_eq!(update(&world, &corrected)["accepted"], 1);
    let connection = json!({"update_id": 4000, "business_connection": {"id": "bc-1", "user": owner, "user_chat_id": 88, "date": 1, "is_enabled": true}});
    assert_eq!(update(&world, &connection)["ignored"], 1);

    let rows = world.messages.rows.borrow();
    let told: Vec<_> = rows
        .iter()
        .map(|(_, row)| (row.direction, row.sender_customer_id.is_some(), row.body.clone().unwrap()))
        .collect();
    let ours = |words: &str| (Direction::Outbound, false, words.to_owned());
    assert_eq!(
        told,
        [(Direction::Inbound, true, "is it in stock?".to_owned()), ours("yes, two left"), ours("yes, three left")]
    );
    assert!(rows.iter().all(|(_, row)| metadata(row)["business_connection_id"] == "bc-1"));
    assert_eq!(world.conversations.opened.borrow().len(), 1);
    assert_eq!(world.conversations.state.borrow()["conversation-1"].2, 1, "the customer's one is unread");
    let people: Vec<String> = world.customers.identities.borrow().keys().map(|key| key.3.clone()).collect();
    assert_eq!(people, ["4242"], "the owner is no customer");
    assert_eq!(world.customers.names.borrow()["customer-1"], "Cleo");
}

#[test]
fn an_owner_who_writes_first_writes_to_the_chat_s_person() {
    let world = world();
    update(&world, &business(1, json!({"id": 88, "first_name": "Olga"}), "we are open again"));
    assert_eq!(world.customers.names.borrow()["customer-1"], "Cleo C");
    let deleted = json!({"update_id": 5, "deleted_business_messages": {"business_connection_id": "bc-1", "message_ids": [1],
        "chat": {"id": 4242, "type": "private", "first_name": "Cleo"}}});
    assert_eq!(update(&world, &deleted)["accepted"], 1);
    assert_eq!((last_message(&world).direction, world.conversations.opened.borrow().len()), (Direction::System, 1));
}

#[test]
fn what_telegram_says_itself_is_a_notice() {
    let world = world();
    update(&world, &message(1, json!({"text": "thanks, solved"})));
    let pinned = json!({"message_id": 1, "chat": {"id": 4242}, "date": 1, "text": "thanks, solved"});
    let notices = [
        (json!({"pinned_message": pinned}), "pinned_message"),
        (
            json!({"message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}}),
            "message_auto_delete_timer_changed",
        ),
        (json!({"new_chat_members": [{"id": 5}], "new_chat_member": {"id": 5}}), "new_chat_members"),
        (json!({"group_chat_created": true}), "group_chat_created"),
        (json!({"migrate_to_chat_id": -100_123}), "migrate_to_chat_id"),
        (json!({"forum_topic_closed": {}}), "forum_topic_closed"),
        (json!({"successful_payment": {"currency": "EUR"}}), "successful_payment"),
    ];
    for (number, (content, kind)) in (2..).zip(notices) {
        assert_eq!(update(&world, &message(number, content))["accepted"], 1, "{kind}");
        let notice = last_message(&world);
        assert_eq!(
            (notice.direction, notice.content_type.as_str(), notice.body.as_deref()),
            (Direction::System, kind, None)
        );
        assert!(metadata(&notice)["raw"].get(kind).is_some(), "{kind}");
    }
    assert_eq!(world.conversations.state.borrow()["conversation-1"].2, 1, "only the words are unread");
    let touched = world.conversations.touched.borrow();
    assert!(touched[1..].iter().all(|touch| !touch.inbound), "and nothing is opened");
}

#[test]
fn every_message_says_where_an_answer_has_to_go() {
    let world = world();
    let topic = json!({"text": "hi", "message_thread_id": 7, "is_topic_message": true, "chat": {"id": -1005, "type": "supergroup"}});
    update(&world, &message(1, topic));
    let told = metadata(&last_message(&world));
    assert_eq!((&told["group_id"], &told["message_thread_id"]), (&json!("-1005"), &json!(7)));
    let answered = json!({"text": "hi", "message_thread_id": 7, "chat": {"id": -1005, "type": "supergroup"}});
    update(&world, &message(2, answered));
    assert_eq!(metadata(&last_message(&world)).get("message_thread_id"), None, "a thread of answers is no topic");
    let tapped = json!({"update_id": 1, "callback_query": {"id": "q1", "from": {"id": 4242}, "data": "yes",
        "message": {"message_id": 5, "business_connection_id": "bc-1", "chat": {"id": -1005, "type": "supergroup"}}}});
    update(&world, &tapped);
    let told = metadata(&last_message(&world));
    assert_eq!((&told["group_id"], &told["business_connection_id"]), (&json!("-1005"), &json!("bc-1")));
    let gone = json!({"update_id": 2, "message_reaction": {"chat": {"id": 4242}, "message_id": 5, "user": {"id": 4242}, "date": 1_749_416_383,
        "old_reaction": [{"type": "emoji", "emoji": "👍"}], "new_reaction": []}});
    update(&world, &gone);
    assert_eq!(last_message(&world).direction, Direction::System, "a reaction that was taken back says nothing");
}
