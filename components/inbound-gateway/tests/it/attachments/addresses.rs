//! Where the files of Twilio and Telegram are, and what opens the door there.

use serde_json::{Value, json};

use super::elsewhere::Elsewhere;
use crate::support::World;

#[test]
fn twilio_s_files_are_behind_the_account_s_password_and_a_redirect() {
    let world = World::new();
    let elsewhere = Elsewhere::new(&world);
    let (url, place) =
        ("https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1", "https://mms.twiliocdn.com/AC1/x");
    elsewhere.answers(url, Ok((307, place.into())));
    elsewhere.answers(place, Ok((200, "the bytes".into())));
    let body = format!(
        "MessageSid=MM1&To=%2B18005551212&From=%2B14158675309&Body=&NumMedia=1&MediaContentType0=image%2Fpng&MediaUrl0={}",
        sdk::query::percent_encode(url)
    );
    world.try_receive_by("sms", body.as_bytes(), "").unwrap();
    elsewhere.round();
    let asked = elsewhere.asked.borrow().clone();
    // `account_sid of +18005551212:auth_token of +18005551212`
    let basic = "Basic YWNjb3VudF9zaWQgb2YgKzE4MDA1NTUxMjEyOmF1dGhfdG9rZW4gb2YgKzE4MDA1NTUxMjEy";
    assert_eq!(asked, [(url.to_owned(), Some(basic.to_owned())), (place.to_owned(), None)]);
    assert_eq!(elsewhere.kept.borrow()[0].0, "the bytes");
}

/// Somebody has sent the bot a document.
fn telegram(world: &World) {
    let from = json!({ "id": 4242, "is_bot": false, "first_name": "Sheena" });
    let document = json!({ "file_id": "BQACAgIAAx_-", "file_name": "offer.pdf", "mime_type": "application/pdf" });
    let message = json!({ "message_id": 7, "date": 1_749_416_383, "from": from, "chat": { "id": 4242, "type": "private" },
        "caption": "look", "document": document });
    let update = json!({ "update_id": 1007, "message": message }).to_string();
    world.try_receive_by("telegram", update.as_bytes(), "").unwrap();
}

const GET_FILE: &str = "https://api.telegram.org/bot42:the-token/getFile?file_id=BQACAgIAAx_-";

#[test]
fn telegram_s_files_are_where_get_file_says() {
    let world = World::new();
    let elsewhere = Elsewhere::new(&world);
    let described = json!({ "ok": true, "result": { "file_id": "BQACAgIAAx_-", "file_path": "documents/file_1.pdf" } });
    elsewhere.answers(GET_FILE, Ok((200, described.to_string())));
    let file = "https://api.telegram.org/file/bot42:the-token/documents/file_1.pdf";
    elsewhere.answers(file, Ok((200, "the bytes".into())));
    telegram(&world);
    let (_, message) = world.messages.rows.borrow()[0].clone();
    let metadata: Value = serde_json::from_str(&message.metadata).unwrap();
    assert_eq!((message.body.as_deref(), &metadata["media"]["status"]), (Some("look"), &json!("pending")));
    elsewhere.round();
    assert_eq!(elsewhere.asked.borrow()[0], (GET_FILE.to_owned(), None), "the token is in the address only");
    assert_eq!(elsewhere.asked.borrow()[1], (file.to_owned(), None));
    assert_eq!(*elsewhere.kept.borrow(), [("the bytes".to_owned(), None)]);
    assert_eq!(elsewhere.state(), ("ready".to_owned(), 1));
}

#[test]
fn telegram_says_why_there_is_no_file() {
    for (status, said, failure) in [
        (400, "{}", Some("Telegram does not give the file to bots")),
        (404, "{}", None),
        (401, "{}", None),
        (200, "nonsense", None),
        (200, r#"{"result":{"file_path":"../../bot1/getMe"}}"#, None),
        (200, r#"{"result":{"file_path":"/etc/passwd"}}"#, None),
        (200, r#"{"result":{"file_path":"a?b"}}"#, None),
    ] {
        let world = World::new();
        let elsewhere = Elsewhere::new(&world);
        elsewhere.answers(GET_FILE, Ok((status, said.to_owned())));
        telegram(&world);
        elsewhere.round();
        assert_eq!(elsewhere.asked().len(), 1, "{status} {said}: nothing else is asked");
        assert_eq!(elsewhere.told.borrow().first().and_then(|told| told.failure.clone()).as_deref(), failure);
        let reason: Option<String> =
            world.memory.sqlite().query_row("SELECT reason FROM attachments", [], |row| row.get(0)).unwrap();
        assert!(!reason.unwrap().contains("the-token"), "no reason repeats the token");
    }
}
