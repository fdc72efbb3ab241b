//! The typed interface: what callers of `kobliat:messages` send and get.

use messaging::{bindings::exports::kobliat::messages::messages::*, store};
use sdk::testing::block_on;

use crate::{CONVERSATION, NOW, context};

sdk::testing::component!(Component, store::MIGRATIONS, NOW);

fn message(direction: Direction, external_id: &str) -> NewMessage {
    NewMessage {
        conversation_id: CONVERSATION.into(),
        sender_customer_id: None,
        direction,
        body: Some("hello".into()),
        content_type: "text".into(),
        media_id: None,
        channel: Some("whatsapp".into()),
        channel_account_id: Some("acc".into()),
        external_message_id: Some(external_id.into()),
        client_ref: None,
        sent_at: None,
        metadata: "{}".into(),
    }
}

#[test]
fn inserts_records_gets_and_lists() {
    let messages =
        vec![message(Direction::Inbound, "1"), message(Direction::Inbound, ""), message(Direction::Outbound, "2")];
    let answers = block_on(Component::insert_many(context(), messages)).unwrap();
    let [Ok(first), Err(Error::Invalid(_)), Ok(second)] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!((first.message.seq, first.message.status, first.message.sent_at), (1, Status::Delivered, NOW));
    assert_eq!((second.message.seq, second.message.status, second.duplicate), (2, Status::Sent, false));
    let receipt = |status: &str, id: &str| Receipt {
        channel_account_id: "acc".into(),
        external_message_id: id.into(),
        status: status.into(),
        at: NOW,
        details: "{}".into(),
    };
    let receipts = vec![receipt("played", "2"), receipt("played", "2"), receipt("sent", "3")];
    let outcomes: Vec<_> = block_on(Component::record_receipts(context(), receipts)).unwrap();
    let outcomes: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes, [ReceiptOutcome::Accepted, ReceiptOutcome::Duplicate, ReceiptOutcome::Waiting]);
    let party =
        Party { channel: "whatsapp".into(), channel_account_id: "acc".into(), customer_id: CONVERSATION.into() };
    assert!(matches!(
        block_on(Component::reply_windows(context(), vec![party])).unwrap().as_slice(),
        [ReplyWindow::NeverOpened]
    ));
    let recent = block_on(Component::list_recent(context(), CONVERSATION.into(), "acc".into(), 50)).unwrap();
    let recent: Vec<_> = recent.iter().map(|one| (one.seq, one.external_message_id.as_deref())).collect();
    assert_eq!(recent, [(2, Some("2")), (1, Some("1"))]);
    let delivery = Delivery {
        message_id: second.message.id.clone(),
        channel: "whatsapp".into(),
        channel_account_id: "acc".into(),
        outcome: DeliveryOutcome::Sent("2".into()),
    };
    assert_eq!(block_on(Component::record_delivery(context(), delivery)).unwrap().status, Status::Read);
    let got = block_on(Component::get_many(context(), vec![second.message.id.clone()])).unwrap();
    assert_eq!((got[0].status, got[0].direction), (Status::Read, Direction::Outbound));
    let list = |after| block_on(Component::list_page(context(), CONVERSATION.into(), None, after, 1)).unwrap();
    let (newest, caught_up) = (list(None), list(Some(0)));
    assert_eq!((newest.messages[0].seq, newest.total, newest.next_cursor.is_some()), (2, 2, true));
    assert_eq!((caught_up.messages[0].seq, caught_up.next_cursor.is_some()), (1, true));
    let unknown = block_on(Component::list_page(context(), "x".into(), None, None, 1));
    assert!(matches!(unknown, Err(Error::NotFound)));
    let query =
        |text: &str| Query { text: text.into(), conversation_id: Some(CONVERSATION.into()), sender_customer_id: None };
    let found = block_on(Component::find_page(context(), query("hello"), None, 1)).unwrap();
    assert_eq!((found.messages[0].seq, found.next_cursor.is_some()), (2, true));
    assert!(matches!(block_on(Component::find_page(context(), query("x"), None, 0)), Err(Error::Invalid(_))));
    assert_eq!(block_on(Component::find_conversations(context(), "hel".into(), 5)).unwrap(), [CONVERSATION]);
    let place = block_on(Component::place_of(context(), second.message.id.clone())).unwrap();
    assert_eq!((place.seq, place.inbound), (2, 1));
    let change = MediaChange {
        message_id: first.message.id.clone(),
        media_id: "m".into(),
        status: MediaStatus::Ready,
        reason: None,
        mime_type: None,
        size: None,
        filename: None,
    };
    let set = block_on(Component::set_media(context(), vec![change])).unwrap().remove(0).unwrap();
    assert_eq!(set.media_id.as_deref(), Some("m"));
}
