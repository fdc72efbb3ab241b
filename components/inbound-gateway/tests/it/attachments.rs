//! Attachments: fetched after their message, through `media`, however often it takes.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Duration;

use inbound_gateway::attachments::round::{self, Watch};
use inbound_gateway::attachments::{Answer, Medium, Outside, Queue, Refusal, Told, Wanted};
use inbound_gateway::domain::Platform;
use sdk::Context;
use sdk::testing::block_on;
use serde_json::{Value, json};

use crate::support::{ACCOUNT, START, World, delivery};

const META: &str = "https://graph.example";
const FILE: &str = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1";

const TELEGRAM: &str = "https://api.telegram.org";

type Reply = Result<(u16, String), String>;

/// Providers, `media` and `messaging`, as far as a file meets them.
struct Elsewhere<'w> {
    world: &'w World,
    /// By URL: what is answered from now on. A redirect names its place.
    answers: RefCell<HashMap<String, Reply>>,
    asked: RefCell<Vec<(String, Option<String>)>>,
    kept: RefCell<Vec<(String, Option<String>)>>,
    told: RefCell<Vec<Told>>,
    given_up: RefCell<Vec<String>>,
    media_is_down: Cell<bool>,
    refuses_files: RefCell<Option<Refusal>>,
    is_ready: Cell<bool>,
}

impl<'w> Elsewhere<'w> {
    fn new(world: &'w World) -> Self {
        for (name, value) in [
            ("whatsapp_api_base_url", META),
            ("whatsapp_api_version", "v23.0"),
            ("twilio_api_base_url", "https://api.twilio.com"),
            ("telegram_api_base_url", TELEGRAM),
        ] {
            world.variables.borrow_mut().insert(name.into(), value.into());
        }
        Self {
            world,
            answers: RefCell::default(),
            asked: RefCell::default(),
            kept: RefCell::default(),
            told: RefCell::default(),
            given_up: RefCell::default(),
            media_is_down: Cell::default(),
            refuses_files: RefCell::default(),
            is_ready: Cell::default(),
        }
    }

    fn answers(&self, url: &str, reply: Reply) {
        self.answers.borrow_mut().insert(url.to_owned(), reply);
    }

    /// Meta has the file with this id, and says its hash.
    fn has(&self, id: &str, sha256: &str) {
        let description = json!({ "url": FILE, "mime_type": "image/jpeg", "sha256": sha256, "id": id }).to_string();
        self.answers(&format!("{META}/v23.0/{id}"), Ok((200, description)));
        self.answers(FILE, Ok((200, "the bytes".into())));
    }

    fn round(&self) {
        block_on(round::run(self, &self.world.store, &Clock(self.world))).unwrap();
    }

    fn asked(&self) -> Vec<String> {
        self.asked.borrow().iter().map(|(url, _)| url.clone()).collect()
    }

    fn state(&self) -> (String, i64) {
        let row = "SELECT state, attempts FROM attachments";
        self.world.memory.sqlite().query_row(row, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }
}

struct Clock<'w>(&'w World);

impl Watch for Clock<'_> {
    fn now(&self) -> i64 {
        self.0.now()
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }
}

impl Outside for Elsewhere<'_> {
    type File = String;

    async fn credential(&self, wanted: &Wanted, name: &str) -> Result<Option<String>, String> {
        if wanted.channel == "telegram" {
            return Ok(Some("42:the-token".to_owned()));
        }
        Ok(Some(format!("{name} of {}", wanted.channel_account_id)))
    }

    async fn setting(&self, name: &str) -> Option<String> {
        self.world.variables.borrow().get(name).cloned()
    }

    async fn get(&self, url: &str, authorization: Option<&str>) -> Result<Answer<String>, String> {
        self.asked.borrow_mut().push((url.to_owned(), authorization.map(str::to_owned)));
        let reply = self.answers.borrow().get(url).cloned().unwrap_or(Ok((404, String::new())));
        let (status, said) = reply?;
        let location = (status == 307).then(|| said.clone());
        Ok(Answer { status, location, length: Some(said.len() as u64), file: said })
    }

    async fn read(&self, file: String, _: usize) -> Result<Vec<u8>, String> {
        Ok(file.into_bytes())
    }

    async fn expect(&self, context: Context, wanted: &Wanted) -> Result<Medium, Refusal> {
        assert_eq!((context.tenant.as_str(), context.allows("media:write")), (wanted.tenant.as_str(), true));
        if self.media_is_down.get() {
            return Err(Refusal::NotNow("unavailable".into()));
        }
        Ok(Medium { id: format!("media of {}", wanted.reference), is_ready: self.is_ready.get(), ..Medium::default() })
    }

    async fn keep(&self, _: Context, id: &str, file: Answer<String>, sha256: Option<&str>) -> Result<Medium, Refusal> {
        if let Some(refusal) = self.refuses_files.borrow().clone() {
            return Err(refusal);
        }
        self.kept.borrow_mut().push((file.file, sha256.map(str::to_owned)));
        Ok(Medium { id: id.to_owned(), is_ready: true, mime_type: Some("image/jpeg".into()), ..Medium::default() })
    }

    async fn give_up(&self, _: Context, id: &str, reason: &str) -> Result<(), Refusal> {
        self.given_up.borrow_mut().push(format!("{id}: {reason}"));
        Ok(())
    }

    async fn tell(&self, _: Context, told: Told) -> Result<(), Refusal> {
        self.told.borrow_mut().push(told);
        Ok(())
    }
}

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
    for place in
        ["http://169.254.169.254/latest", "http://media.spin.internal/x", "https://evil.example/x", "/relative"]
    {
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

#[test]
fn the_queue_s_statements_use_their_indexes() {
    use inbound_gateway::store::attachments::{CLAIM, POSTPONE, SETTLE, SWEEP};
    let world = World::new();
    block_on(world.store.sweep_wanted(0, 1)).unwrap();
    for sql in [CLAIM, SETTLE, POSTPONE, SWEEP] {
        sdk::testing::assert_uses_indexes(&world.memory, sql);
    }
}
