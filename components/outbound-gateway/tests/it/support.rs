//! A whole world in memory: services that know one conversation with one customer, a provider with moods, and a clock that tests move.

mod services;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use outbound_gateway::domain::services::{
    Alias, Attachment, ChannelAccount, Conversation, Ended, Identity, Message, Party, Person, Report,
};
use outbound_gateway::domain::{Broken, Done, Later, Order, Platform, deliver};
use outbound_gateway::provider::{Answer, Earlier};
use outbound_gateway::store::MIGRATIONS;
use sdk::sql::Database;
use sdk::testing::Memory;
use sdk::{Context, Micros};
use serde_json::{Value, json};

pub use sdk::testing::block_on;

pub const START: Micros = 1_749_420_000_000_000;
pub const MESSAGE: &str = "0197a6c0-0000-7000-8000-000000000001";
pub const CONVERSATION: &str = "0197a6c0-0000-7000-8000-0000000000c1";
pub const MEDIA: &str = "0197a6c0-0000-7000-8000-0000000000e1";
pub const AGENT: &str = "0197a6c0-0000-7000-8000-0000000000d2";
pub const CUSTOMER: &str = "0197a6c0-0000-7000-8000-0000000000d1";

/// How the provider is.
#[derive(Clone, Debug)]
pub enum Mood {
    Answers(u16, Value),
    /// With `Retry-After`.
    AnswersLater(u16, Value, u64),
    AnswersText(u16, &'static str),
    /// After so many seconds.
    AnswersAfter(u64, u16, Value),
    Hangs,
    Unreachable,
    Closes,
}

pub struct World {
    pub memory: Memory,
    pub store: Database<Memory>,
    pub variables: RefCell<HashMap<String, String>>,
    pub message: RefCell<Option<Message>>,
    pub conversation: RefCell<Conversation>,
    pub person: RefCell<Person>,
    /// Somebody else, who has the same kind of address when they have one.
    pub colleague: RefCell<Person>,
    /// What was said before, the newest first.
    pub earlier: RefCell<Vec<Earlier>>,
    /// Whose answers arrive where.
    pub routed: RefCell<Vec<(String, Party)>>,
    /// What customers are called besides, and on which account.
    pub learned: RefCell<Vec<(String, Alias)>>,
    pub last_inbound_at: Cell<Option<Micros>>,
    pub attachment: RefCell<Option<Attachment>>,
    /// Why the services do not answer.
    pub down: Cell<bool>,
    /// Why `messaging` takes no report.
    pub deaf: Cell<bool>,
    /// Why `customer` learns no name.
    pub forgetful: Cell<bool>,
    /// The tenants' own accounts: tenant, channel, account.
    pub accounts: RefCell<Vec<(String, String, ChannelAccount)>>,
    pub tenant: RefCell<String>,
    pub reports: RefCell<Vec<Report>>,
    pub mood: RefCell<Mood>,
    /// How it answers questions.
    pub answers: RefCell<Mood>,
    pub calls: RefCell<Vec<http::Request<Vec<u8>>>>,
    now: Cell<Micros>,
}

impl World {
    /// A text on this channel, to a customer with this identity, on an account that is set up.
    pub fn new(channel: &str, account: &str, kind: &str, value: &str) -> Self {
        let memory = Memory::new();
        let identity =
            Identity { channel_account_id: account.to_owned(), kind: kind.to_owned(), value: value.to_owned() };
        Self {
            store: Database::new(memory.clone(), MIGRATIONS),
            memory,
            variables: RefCell::new(variables()),
            message: RefCell::new(Some(message("text", Some("Yes, it does!"), json!({})))),
            conversation: RefCell::new(Conversation {
                channel: Some(channel.to_owned()),
                channel_account_id: Some(account.to_owned()),
                subject: None,
                is_direct: true,
                participants: vec![CUSTOMER.to_owned()],
            }),
            colleague: RefCell::new(Person { id: AGENT.to_owned(), ..Person::default() }),
            earlier: RefCell::default(),
            routed: RefCell::default(),
            learned: RefCell::default(),
            person: RefCell::new(Person {
                id: CUSTOMER.to_owned(),
                name: Some("Ann".to_owned()),
                external_type: "other".to_owned(),
                external_id: "other".to_owned(),
                identities: vec![identity],
            }),
            last_inbound_at: Cell::new(Some(START - 3_600_000_000)),
            attachment: RefCell::default(),
            down: Cell::new(false),
            deaf: Cell::new(false),
            forgetful: Cell::new(false),
            accounts: RefCell::default(),
            tenant: RefCell::new("default".to_owned()),
            reports: RefCell::default(),
            mood: RefCell::new(taken(channel)),
            answers: RefCell::new(Mood::AnswersText(404, "")),
            calls: RefCell::default(),
            now: Cell::new(START),
        }
    }

    pub fn whatsapp() -> Self {
        Self::new("whatsapp", "106540352242922", "phone", "16505551234")
    }

    pub fn sms() -> Self {
        Self::new("sms", "+15550783881", "phone", "16505551234")
    }

    pub fn telegram() -> Self {
        Self::new("telegram", "telegram", "chat-id", "4242")
    }

    pub fn email() -> Self {
        Self::new("email", "shop@kobliat.example", "email", "ann@example.com")
    }

    pub fn webhook() -> Self {
        Self::new("pigeon", "loft-1", "ring", "DV-0815")
    }

    pub fn writes(&self, kind: &str, body: Option<&str>, metadata: Value) {
        self.message.replace(Some(message(kind, body, metadata)));
    }

    pub fn is(&self, mood: Mood) {
        self.mood.replace(mood);
    }

    pub fn set(&self, name: &str, value: &str) {
        self.variables.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    pub fn deliver(&self, event: &str) -> Result<Done, Later> {
        let mut order = order(event);
        order.context.tenant.clone_from(&self.tenant.borrow());
        block_on(deliver(self, &order))
    }

    /// Delivers as the broker does, after what it was told to wait, until there is an end.
    pub fn deliver_to_the_end(&self, event: &str) -> Done {
        for _ in 0..20 {
            match self.deliver(event) {
                Ok(done) => return done,
                Err(later) => self.pass(Duration::from_secs(later.seconds)),
            }
        }
        panic!("no end after 20 deliveries");
    }

    /// The clock is set.
    pub fn jump(&self, micros: i64) {
        self.now.set(self.now.get() + micros);
    }

    pub fn pass(&self, duration: Duration) {
        self.now.set(self.now.get() + i64::try_from(duration.as_micros()).unwrap());
    }

    /// How many messages the provider was given.
    pub fn sent(&self) -> usize {
        self.calls.borrow().iter().filter(|call| call.method() == http::Method::POST).count()
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.calls.borrow().len() - self.sent()
    }

    pub fn last_call(&self) -> http::Request<Vec<u8>> {
        self.calls.borrow().last().unwrap().clone()
    }

    pub fn last_json(&self) -> Value {
        serde_json::from_slice(self.last_call().body()).unwrap()
    }

    pub fn last_report(&self) -> Report {
        self.reports.borrow().last().unwrap().clone()
    }

    /// As a person does by the API: the message is queued again, by another event.
    pub fn asks_again(&self) {
        self.message.borrow_mut().as_mut().unwrap().is_queued = true;
    }
}

pub fn order(event: &str) -> Order {
    let context = Context { tenant: "default".to_owned(), ..Context::default() };
    Order { context, event_id: event.to_owned(), message_id: MESSAGE.to_owned() }
}

pub fn message(kind: &str, body: Option<&str>, metadata: Value) -> Message {
    Message {
        id: MESSAGE.to_owned(),
        conversation_id: CONVERSATION.to_owned(),
        is_queued: true,
        sender_customer_id: None,
        body: body.map(str::to_owned),
        content_type: kind.to_owned(),
        media_id: None,
        channel: None,
        channel_account_id: None,
        metadata: metadata.as_object().unwrap().clone(),
    }
}

/// What the provider of this channel says when it takes a message.
pub fn taken(channel: &str) -> Mood {
    match channel {
        "whatsapp" => Mood::Answers(
            200,
            json!({"messaging_product": "whatsapp", "contacts": [{"input": "1", "wa_id": "1"}], "messages": [{"id": "wamid.1"}]}),
        ),
        "sms" => Mood::Answers(201, json!({"sid": "SM1", "status": "queued", "error_code": null})),
        "telegram" => Mood::Answers(200, json!({"ok": true, "result": {"message_id": 7, "chat": {"id": 4242}}})),
        "email" => Mood::Answers(200, json!({"ErrorCode": 0, "Message": "OK", "MessageID": "pm-1"})),
        _ => Mood::AnswersText(204, ""),
    }
}

fn variables() -> HashMap<String, String> {
    [
        ("whatsapp_api_base_url", "https://graph.facebook.com"),
        ("whatsapp_api_version", "v23.0"),
        ("whatsapp_access_token", "wa-token"),
        ("twilio_api_base_url", "https://api.twilio.com/"),
        ("twilio_account_sid", "AC1"),
        ("twilio_auth_token", "tw-token"),
        ("telegram_api_base_url", "https://api.telegram.org"),
        ("telegram_bot_token", "1:tg-token"),
        ("email_api_base_url", "https://api.postmarkapp.com"),
        ("email_api_token", "pm-token"),
        ("webhook_channel_base_url", "https://bridge.example"),
        ("webhook_channel_path", "/kobliat"),
        ("webhook_channel_secret", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
        ("public_base_url", "https://kobliat.example"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

impl Platform for World {
    type Store = Database<Memory>;
    type Services = Self;

    fn store(&self) -> &Database<Memory> {
        &self.store
    }

    fn services(&self) -> &Self {
        self
    }

    fn now(&self) -> Micros {
        self.now.get()
    }

    /// Time passes as long as somebody waits for it: a millisecond at each look.
    async fn sleep(&self, duration: Duration) {
        let until = self.now.get() + i64::try_from(duration.as_micros()).unwrap();
        poll_fn(|_| {
            if self.now.get() >= until {
                return Poll::Ready(());
            }
            self.pass(Duration::from_millis(1));
            Poll::Pending
        })
        .await;
    }

    async fn variable(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self.variables.borrow().get(name).cloned())
    }

    async fn send(&self, request: http::Request<Vec<u8>>) -> Result<Answer, Broken> {
        let is_question = request.method() == http::Method::GET;
        self.calls.borrow_mut().push(request);
        let answer = |status, body: String, retry_after_seconds| {
            Ok(Answer { status, retry_after_seconds, body: body.into_bytes() })
        };
        let mood = if is_question { self.answers.borrow().clone() } else { self.mood.borrow().clone() };
        match mood {
            Mood::Answers(status, body) => answer(status, body.to_string(), None),
            Mood::AnswersLater(status, body, seconds) => answer(status, body.to_string(), Some(seconds)),
            Mood::AnswersText(status, text) => answer(status, text.to_owned(), None),
            Mood::AnswersAfter(seconds, status, body) => {
                Platform::sleep(self, Duration::from_secs(seconds)).await;
                answer(status, body.to_string(), None)
            }
            Mood::Hangs => std::future::pending().await,
            Mood::Unreachable => Err(Broken::NotSent("connection refused".to_owned())),
            Mood::Closes => Err(Broken::Lost("the connection broke".to_owned())),
        }
    }
}

pub fn code(ended: &Ended) -> &str {
    match ended {
        Ended::Sent(_) => "sent",
        Ended::Failed(failure) | Ended::Unknown(failure) => failure.code.as_deref().unwrap_or_default(),
    }
}
