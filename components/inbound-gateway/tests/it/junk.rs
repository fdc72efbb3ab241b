//! Bodies that nobody would think of: whatever comes, it is answered, and what is kept can be kept again.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::support::*;

/// Any JSON, with the names of the real thing where names are.
fn junk() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["messages", "text", "image", "system", "1749416383", "16505551234", "sent", ""])
            .prop_map(Value::from),
        prop::sample::select(vec![
            "Ann <ann@example.com>, \"B, C\" <b@example.com>",
            "Sun, 8 Jun 2025 20:59:43 +0000 (CEST)",
            "<a@b.example> <c@d.example>",
            "<p>Hi &amp; <style>",
            "Bounce",
            "AutoResponder",
            "kobliat-file:0:1",
            "eA==",
        ])
        .prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "object",
        "entry",
        "changes",
        "field",
        "value",
        "metadata",
        "phone_number_id",
        "contacts",
        "profile",
        "name",
        "wa_id",
        "user_id",
        "messages",
        "statuses",
        "errors",
        "from",
        "id",
        "timestamp",
        "type",
        "text",
        "body",
        "image",
        "context",
        "status",
        "interactive",
        "button_reply",
        "title",
        "system",
        "code",
        "from_user_id",
        "edit",
        "original_message_id",
        "message",
        "nfm_reply",
        "response_json",
        "update_id",
        "edited_message",
        "business_message",
        "callback_query",
        "message_reaction",
        "chat",
        "sender_chat",
        "business_connection_id",
        "message_id",
        "date",
        "pinned_message",
        "new_reaction",
        "account",
        "receipts",
        "media",
        "content",
        "From",
        "FromFull",
        "ToFull",
        "To",
        "Email",
        "ReplyTo",
        "Date",
        "Subject",
        "HtmlBody",
        "TextBody",
        "MessageID",
        "RecordType",
        "Type",
        "Headers",
        "Name",
        "Value",
        "Attachments",
        "Content",
    ]);
    leaf.prop_recursive(8, 128, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((name.clone(), inner), 0..6).prop_map(|pairs| Value::Object(
                pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>()
            )),
        ]
    })
}

fn taken(body: &[u8]) {
    let world = World::new();
    if let Ok(received) = world.try_receive(body) {
        assert!(received.answer.processed);
        let again = world.try_receive(body).unwrap();
        assert_eq!(again.answer.accepted, 0, "all of it is known by now");
    }
}

/// By every channel there is.
fn taken_by_all(body: &[u8]) {
    for channel in inbound_gateway::channel::names() {
        let world = World::new();
        if let Ok(received) = world.try_receive_by(channel, body, "account=shop") {
            assert!(received.answer.processed, "{channel}");
            let again = world.try_receive_by(channel, body, "account=shop").unwrap();
            assert_eq!(again.answer.accepted, 0, "{channel}: all of it is known by now");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_json_is_answered(body in junk()) {
        taken(body.to_string().as_bytes());
    }

    #[test]
    fn any_json_is_answered_by_every_channel(body in junk()) {
        taken_by_all(body.to_string().as_bytes());
    }

    #[test]
    fn any_update_of_telegram_is_answered(message in junk(), number in 1_i64..1000, kind in prop::sample::select(vec!["message", "edited_message",
        "business_message", "channel_post", "callback_query", "message_reaction", "my_chat_member", "deleted_business_messages"])) {
        let mut fields = json!({"message_id": 1, "id": "q", "from": {"id": 4}, "chat": {"id": 5}});
        if let Value::Object(more) = message { fields.as_object_mut().unwrap().extend(more); }
        taken_by_all(json!({"update_id": number, kind: fields}).to_string().as_bytes());
    }

    #[test]
    fn any_mail_is_answered(
        more in junk(),
        words in ".{0,40}",
        // What the parsers of mail look for, in no order.
        date in "[0-9]{0,3}[ ,:+()\\\\;a-zA-Z0-9-]{0,30}",
        reply_to in "[<>\"(),:;@=?\\\\ a.é_\\[\\]-]{0,60}",
        html in "[<>/!&;#x a-fé\"=-]{0,80}|(<script>|</script|<style|<!--|-->|&#|;|<p>|é| ){0,20}",
    ) {
        let mut mail = json!({"MessageID": "m", "From": "ann@example.com", "To": "shop@kobliat.example", "TextBody": words, "Date": date,
            "ReplyTo": reply_to, "HtmlBody": html, "Headers": [{"Name": "Message-ID", "Value": words}, {"Name": "Auto-Submitted", "Value": date}]});
        if let Value::Object(more) = more { mail.as_object_mut().unwrap().extend(more); }
        taken_by_all(mail.to_string().as_bytes());
    }

    #[test]
    fn whatever_is_cut_out_of_a_body_the_rest_is_the_same_however_it_came(body in ".{0,60}|[\\[\\]{}\":,\\\\a]{0,60}", at in 0..60_usize) {
        use inbound_gateway::channel::carried::Cutter;
        let body = format!("{{\"attachments\":[{{\"content\":{body}");
        let cut = |pieces: &[&[u8]]| {
            let (mut cutter, mut files) = (Cutter::new(&[&["attachments", "*", "content"]]), Vec::new());
            pieces.iter().for_each(|piece| cutter.push(piece, &mut files));
            (cutter.finish(), files.into_iter().flat_map(|piece| piece.bytes).collect::<Vec<u8>>())
        };
        let (one, two) = body.as_bytes().split_at(at.min(body.len()));
        prop_assert_eq!(cut(&[body.as_bytes()]), cut(&[one, two]));
    }

    #[test]
    fn any_json_in_the_place_of_an_item_is_answered(messages in prop::collection::vec(junk(), 0..4), statuses in junk(), contacts in junk()) {
        taken(delivery(json!({"messages": messages, "statuses": statuses, "contacts": contacts})).to_string().as_bytes());
    }

    #[test]
    fn the_sample_with_one_byte_changed_is_answered(at in 0..SAMPLE.len(), byte in any::<u8>()) {
        let mut body = SAMPLE.as_bytes().to_vec();
        body[at] = byte;
        taken(&body);
    }

    #[test]
    fn any_bytes_are_answered(body in prop::collection::vec(any::<u8>(), 0..200)) {
        taken(&body);
    }
}

#[test]
fn deep_nesting_costs_its_own_item_only() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let good = text("good", "1", "1749416380", "kept");
    let body = format!(
        r#"{{"entry":[{{"changes":[{{"field":"messages","value":{{"metadata":{{"phone_number_id":"1"}},"messages":[{{"id":"deep","from":"1","x":{deep}}},{good}]}}}}]}}]}}"#
    );
    let world = World::new();
    let received = world.try_receive(body.as_bytes()).unwrap();
    assert_eq!((received.answer.accepted, received.answer.rejected), (1, 1));
}
