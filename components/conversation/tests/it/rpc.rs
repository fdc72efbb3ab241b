//! The typed interface: what callers of `kobliat:conversations` send and get.

use conversation::{bindings::exports::kobliat::conversations::conversations::*, store};
use sdk::testing::block_on;

use sdk::{Context, ids};

use crate::{NOW, tenant};

sdk::testing::component!(Component, store::MIGRATIONS, NOW);

fn group(customers: &[String]) -> NewConversation {
    NewConversation {
        kind: Kind::Group,
        participants: customers.to_vec(),
        channel: None,
        channel_account_id: None,
        subject: Some("Trip".into()),
        metadata: "{}".into(),
    }
}

#[test]
fn resolves_touches_and_lists() {
    let customer_id = ids::new();
    let direct =
        Direct { channel: "whatsapp".into(), channel_account_id: "acc".into(), customer_id: customer_id.clone() };
    let answers = block_on(Component::resolve_direct_many(tenant(), vec![direct])).unwrap();
    let [Ok(opened)] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!((opened.kind, opened.status, opened.last_seq), (Kind::Direct, Status::Open, 0));
    assert_eq!(opened.participants[0].customer_id, customer_id);
    let conversation_id = opened.id.clone();
    let touch = Touch { conversation_id, seq: 1, preview: "hi".into(), at: NOW - 1, inbound: true };
    block_on(Component::touch_many(tenant(), vec![touch])).unwrap();
    let filter = Filter { status: Some(Status::Open), channel: Some("whatsapp".into()), customer_id: None };
    let page = block_on(Component::list_page(tenant(), filter.clone(), None, 20)).unwrap();
    assert_eq!((page.conversations.len(), &page.next_cursor), (1, &None));
    let listed = &page.conversations[0];
    assert_eq!((listed.unread_count, listed.last_seq, listed.last_message_at), (1, 1, Some(NOW - 1)));
    for (cursor, limit) in [(None, 0), (None, 101), (Some("x".to_owned()), 20)] {
        let refused = block_on(Component::list_page(tenant(), filter.clone(), cursor, limit));
        assert!(matches!(refused, Err(Error::Invalid(_))));
    }
}

#[test]
fn creates_once_for_the_contexts_idempotency_key() {
    let keyed = || Context { idempotency_key: "k1".into(), ..tenant() };
    let customers = [ids::new(), ids::new()];
    let first = block_on(Component::create(keyed(), group(&customers))).unwrap();
    let again = block_on(Component::create(keyed(), group(&customers))).unwrap();
    assert_eq!((first.is_new, again.is_new, &first.conversation.id), (true, true, &again.conversation.id));
    let other = block_on(Component::create(keyed(), group(&[ids::new(), ids::new()])));
    assert!(matches!(other, Err(Error::Conflict(_))));
    let wrong = NewConversation { metadata: "[]".into(), ..group(&customers) };
    assert!(matches!(block_on(Component::create(tenant(), wrong)), Err(Error::Invalid(_))));
    let got = block_on(Component::get_many(tenant(), vec![first.conversation.id, ids::new()])).unwrap();
    assert_eq!((got.len(), got[0].subject.as_deref()), (1, Some("Trip")));
}

#[test]
fn finds_and_marks_as_read() {
    let customer_id = ids::new();
    let direct = Direct { channel: "sms".into(), channel_account_id: "acc".into(), customer_id: customer_id.clone() };
    let opened = block_on(Component::resolve_direct_many(tenant(), vec![direct])).unwrap().remove(0).unwrap();
    let touch = Touch { conversation_id: opened.id.clone(), seq: 1, preview: "hi".into(), at: NOW, inbound: true };
    block_on(Component::touch_many(tenant(), vec![touch])).unwrap();
    let query = |text: &str, people: Vec<String>| Query {
        status: None,
        channel: Some("sms".into()),
        customer_id: None,
        search: Some(Search { text: text.into(), conversation_ids: vec![], customer_ids: people }),
        unread: Some(true),
        created_from: Some(NOW),
        created_until: Some(NOW + 1),
        sort: Sort::CreatedUp,
    };
    let page = block_on(Component::find_page(tenant(), query("x", vec![customer_id]), None, 1)).unwrap();
    assert_eq!((page.conversations.len(), page.conversations[0].unread_count), (1, 1));
    for wrong in [query(&"x".repeat(300), vec![]), query("x", vec![ids::new(); 501])] {
        assert!(matches!(block_on(Component::find_page(tenant(), wrong, None, 1)), Err(Error::Invalid(_))));
    }
    let reading = Reading { conversation_id: opened.id, seq: 1, inbound: 1 };
    assert_eq!(block_on(Component::mark_read(tenant(), reading)).unwrap().unread_count, 0);
}
