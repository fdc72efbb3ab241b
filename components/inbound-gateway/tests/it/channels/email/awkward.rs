//! Mail as it really comes: other senders than `From`, shared ids, lists in one text, dates of all kinds, machines that answer.

use super::*;

/// Postmark's form, with these fields beside.
fn postmark(id: &str, from: &str, more: Value) -> Value {
    let mut mail = json!({
        "MessageID": "5f2e9c1c-0000-4000-8000-000000000001", "FromFull": {"Email": from}, "ToFull": [{"Email": "shop@kobliat.example"}],
        "Subject": "Hi", "TextBody": "hello", "Headers": [{"Name": "Message-ID", "Value": format!("<{id}>")}],
    });
    let mail_fields = mail.as_object_mut().unwrap();
    for (name, value) in more.as_object().unwrap() {
        match (name.as_str(), mail_fields.get_mut(name)) {
            ("Headers", Some(Value::Array(headers))) => headers.extend(value.as_array().unwrap().clone()),
            _ => drop(mail_fields.insert(name.clone(), value.clone())),
        }
    }
    mail
}

fn addresses(world: &World) -> Vec<String> {
    let mut found: Vec<String> = world.customers.identities.borrow().keys().map(|key| key.3.clone()).collect();
    found.sort();
    found
}

#[test]
fn a_mail_is_whose_address_its_reply_to_names() {
    for (more, author, sent_from) in [
        (
            json!({"ReplyTo": "Jane Roe <Jane@customer.example>"}),
            "jane@customer.example",
            Some("noreply@forms.example"),
        ),
        (
            json!({"Headers": [{"Name": "Reply-To", "Value": "jane@customer.example"}]}),
            "jane@customer.example",
            Some("noreply@forms.example"),
        ),
        (
            json!({"ReplyTo": "jane@customer.example, other@customer.example"}),
            "jane@customer.example",
            Some("noreply@forms.example"),
        ),
        (json!({"ReplyTo": ""}), "noreply@forms.example", None),
        (json!({"ReplyTo": "nobody"}), "noreply@forms.example", None),
        // An answer to ourselves would be a question again.
        (json!({"ReplyTo": "Shop <shop@kobliat.example>"}), "noreply@forms.example", None),
        (
            json!({"ReplyTo": "team@list.example", "CcFull": [{"Email": "team@list.example"}]}),
            "noreply@forms.example",
            None,
        ),
        (
            json!({"ReplyTo": "team@list.example", "Headers": [{"Name": "List-Id", "Value": "<team.list.example>"}]}),
            "noreply@forms.example",
            None,
        ),
        (json!({"ReplyTo": "jane@customer.example, noreply@forms.example"}), "noreply@forms.example", None),
    ] {
        let world = world();
        assert_eq!(send(&world, &postmark("a@forms.example", "noreply@forms.example", more.clone()))["accepted"], 1);
        assert_eq!(addresses(&world), [author], "{more}");
        assert_eq!(metadata(&last_message(&world))["from"].as_str(), sent_from, "{more}");
    }
    let world = world();
    let mut mail = neutral();
    mail["reply_to"] = json!({"email": "jane@customer.example", "name": "Jane"});
    send(&world, &mail);
    assert_eq!(
        (addresses(&world), world.customers.names.borrow()["customer-1"].as_str()),
        (vec!["jane@customer.example".to_owned()], "Jane")
    );
}

#[test]
fn an_id_is_its_sender_s_and_not_the_world_s() {
    let world = world();
    let (one, two) = (
        postmark("same@bulk.example", "one@customer.example", json!({})),
        postmark("same@bulk.example", "two@customer.example", json!({})),
    );
    for mail in [&one, &two] {
        assert_eq!(send(&world, mail)["accepted"], 1, "{mail}");
        assert_eq!(send(&world, mail)["duplicates"], 1, "{mail}");
    }
    let also =
        postmark("same@bulk.example", "one@customer.example", json!({"OriginalRecipient": "sales@kobliat.example"}));
    assert_eq!(send(&world, &also)["accepted"], 1, "the same mail to another of our addresses");
    let ids: Vec<String> =
        world.messages.rows.borrow().iter().map(|(_, row)| row.external_message_id.clone()).collect();
    assert_eq!(ids, ["same@bulk.example", "same@bulk.example two@customer.example", "same@bulk.example"]);
    assert_eq!(world.conversations.opened.borrow().len(), 3);
}

#[test]
fn what_no_id_can_look_like_is_known_all_the_same() {
    for (more, id) in [
        (json!({"Headers": [], "MessageID": "uuid-1"}), "abc@mail.example"),
        (json!({"message_id": "two words"}), "abc@mail.example"),
    ] {
        let world = world();
        send(&world, &postmark("abc@mail.example", "ann@example.com", more));
        assert_eq!(last_message(&world).external_message_id, id);
    }
    let world = world();
    let long = "x".repeat(2000);
    send(&world, &postmark(&long, "ann@example.com", json!({})));
    assert_eq!(
        last_message(&world).external_message_id,
        "5f2e9c1c-0000-4000-8000-000000000001",
        "the mail service's own"
    );
    let mail =
        json!({"message_id": "two words", "from": "ann@example.com", "to": "shop@kobliat.example", "text": "hi"});
    assert_eq!(send(&world, &mail)["accepted"], 1);
    assert_eq!(send(&world, &mail)["duplicates"], 1);
}

#[test]
fn several_addresses_in_one_text_are_a_list() {
    for (to, account) in [
        ("colleague@other.example, shop@kobliat.example", "colleague@other.example"),
        ("\"Shop, The\" <shop@kobliat.example>, Col League <colleague@other.example>", "shop@kobliat.example"),
        ("Shops: shop@kobliat.example, other@kobliat.example;", "shop@kobliat.example"),
    ] {
        let world = world();
        let mail = json!({"message_id": "<a@b.example>", "from": "ann@example.com", "to": to, "cc": "x@y.example, z@y.example", "text": "to both"});
        assert_eq!(send(&world, &mail)["accepted"], 1, "{to}");
        let message = last_message(&world);
        assert_eq!(message.channel_account_id, account);
        assert_eq!(
            (metadata(&message)["to"].as_array().unwrap().len(), &metadata(&message)["cc"]),
            (2, &json!(["x@y.example", "z@y.example"]))
        );
    }
}

#[test]
fn dates_are_the_mail_s_however_they_are_written() {
    for (more, sent_at) in [
        (json!({"Date": "Sun, 8 Jun 2025 22:59:43 +0200 (CEST)"}), 1_749_416_383_000_000),
        (json!({"Date": "2025-06-08T20:59:43.0000000Z"}), 1_749_416_383_000_000),
        (json!({"Headers": [{"Name": "Date", "Value": "Sun, 08 Jun 2025 20:59:43 +0000"}]}), 1_749_416_383_000_000),
        (json!({"Date": "some day"}), START),
        (json!({"Date": "Sun, 08 Jun 2036 20:59:43 +0000"}), START),
    ] {
        let world = world();
        send(&world, &postmark("a@b.example", "ann@example.com", more.clone()));
        assert_eq!(last_message(&world).sent_at, sent_at, "{more}");
    }
}

#[test]
fn what_a_machine_answered_is_a_notice() {
    let world = world();
    send(&world, &postmark("a@b.example", "ann@example.com", json!({})));
    let away = json!({"Subject": "Out of office", "Headers": [{"Name": "Auto-Submitted", "Value": "auto-replied"}]});
    assert_eq!(send(&world, &postmark("b@b.example", "ann@example.com", away))["accepted"], 1);
    let notice = last_message(&world);
    assert_eq!((notice.direction, &metadata(&notice)["auto_reply"]), (Direction::System, &json!(true)));
    assert_eq!(world.conversations.state.borrow()["conversation-1"].2, 1, "not unread, and nothing is opened");
}

#[test]
fn an_absence_notice_is_no_bounce() {
    let world = world();
    let bounce = |kind: &str| {
        json!({"RecordType": "Bounce", "Type": kind, "MessageID": "m2", "From": "shop@kobliat.example",
        "BouncedAt": "2025-06-08T20:59:43Z", "Description": "why", "Metadata": {"message_id": "0197a6c0-0000-7000-8000-000000000001"}})
    };
    for (kind, status) in [
        ("AutoResponder", "autoresponder"),
        ("Transient", "transient"),
        ("AddressChange", "addresschange"),
        ("HardBounce", "failed"),
        ("SpamNotification", "failed"),
        ("SomethingNew", "failed"),
    ] {
        assert_eq!(
            send(&world, &bounce(kind))["accepted"],
            u64::from(kind != "SpamNotification" && kind != "SomethingNew"),
            "{kind}"
        );
        let receipts = world.messages.receipts.borrow();
        let receipt = receipts.last().unwrap();
        let details: Value = serde_json::from_str(&receipt.details).unwrap();
        assert_eq!((receipt.status.as_str(), details.get("failure").is_some()), (status, status == "failed"), "{kind}");
        assert_eq!(receipt.at, 1_749_416_383_000_000);
    }
}
