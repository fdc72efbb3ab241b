//! What is around the simulator: a small platform that checks signatures and knows what it had, a language model, and variables.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, VecDeque},
    ops::Deref,
    rc::Rc,
    time::Duration,
};

use ::http::{HeaderName, StatusCode};
use chat_simulator::app;
use hmac::{Hmac, Mac};
use sdk::{
    Clock, Micros, Response,
    outgoing::{Failure, Outgoing},
};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::channels::Channels;

#[derive(Clone, Default)]
pub struct World(Rc<Inner>);

/// Faults that a run is to find.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flaw {
    #[default]
    None,
    /// Of every ten messages one is acknowledged and forgotten.
    Loses,
    /// Of every ten messages one is there twice.
    Doubles,
    /// The newest is numbered first.
    Reverses,
    /// Takes bytes for characters.
    Mangles,
}

#[derive(Default)]
pub struct Inner {
    pub now: Cell<Micros>,
    settings: RefCell<BTreeMap<String, String>>,
    /// The requests to our front, as they came.
    pub webhooks: RefCell<Vec<Outgoing>>,
    /// The messages that the front took, in order, each once.
    pub messages: RefCell<Vec<Value>>,
    /// What the front answers next, in place of doing its work.
    pub faults: RefCell<VecDeque<Result<u16, Failure>>>,
    /// What is wrong with the platform behind the front.
    pub flaw: Cell<Flaw>,
    /// The front takes its whole time for a fault.
    pub is_slow: Cell<bool>,
    pub services_are_down: Cell<bool>,
    pub channels: Channels,
    pub model: RefCell<Option<Result<(u16, Value), Failure>>>,
    pub asked: RefCell<Vec<Outgoing>>,
}

impl Deref for World {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Clock for World {
    fn now(&self) -> Micros {
        self.now.get()
    }
}

impl app::World for World {
    async fn send(&self, request: Outgoing, _: Duration) -> Result<Response, Failure> {
        sdk::testing::yield_once().await;
        if let Some(path) = request.url.strip_prefix("http://inbound-gateway.spin.internal/channels") {
            return Ok(self.channels.answer(path, &request));
        }
        if request.url.starts_with("http://inbound-gateway.spin.internal/") {
            if self.is_slow.get() {
                app::World::sleep(self, Duration::from_secs(1)).await;
            }
            return self.front(request);
        }
        if let Some(path) = request.url.strip_prefix("http://") {
            return Ok(if self.services_are_down.get() { answer(503, &json!({})) } else { self.services(path) });
        }
        self.asked.borrow_mut().push(request);
        match self.model.borrow().clone() {
            Some(Ok((status, body))) => Ok(answer(status, &body)),
            Some(Err(failure)) => Err(failure),
            None => Err(Failure::Failed("nobody is there".to_owned())),
        }
    }

    async fn setting(&self, name: &str) -> Option<String> {
        self.settings.borrow().get(name).cloned()
    }

    async fn sleep(&self, time: Duration) {
        self.now.set(self.now.get() + Micros::try_from(time.as_micros()).unwrap());
        sdk::testing::yield_once().await;
    }
}

impl World {
    pub fn set(&self, name: &str, value: &str) {
        self.settings.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    /// The front fails so in the next calls, one after the other.
    pub fn front_fails(&self, faults: &[Result<u16, Failure>]) {
        self.faults.borrow_mut().extend(faults.iter().cloned());
    }

    fn front(&self, request: Outgoing) -> Result<Response, Failure> {
        self.webhooks.borrow_mut().push(request.clone());
        let fault = self.faults.borrow_mut().pop_front();
        match fault {
            Some(Ok(status)) => return Ok(answer(status, &json!({ "title": "a fault" }))),
            Some(Err(failure)) => return Err(failure),
            None => {}
        }
        if request.url.ends_with("/webhooks/sms") {
            return Ok(answer(200, &self.take_form(&request.body)));
        }
        let account = request.url.split_once("/webhooks/whatsapp/").map(|(_, account)| account);
        let secret = account.map_or_else(|| "app-secret".to_owned(), |account| self.channels.secret(account));
        if header(&request, "x-hub-signature-256") != signature(&secret, &request.body) {
            return Ok(answer(401, &json!({ "title": "the signature is missing or wrong" })));
        }
        match serde_json::from_slice(&request.body) {
            Ok(body) => Ok(answer(200, &self.take(&body))),
            Err(_) => Ok(answer(400, &json!({ "title": "unreadable" }))),
        }
    }

    /// The customer, the conversation and the messages of a number, as the services answer; a conversation's id is its customer's number.
    fn services(&self, path: &str) -> Response {
        let last = path.rsplit('/').next().unwrap();
        if path.starts_with("customer.spin.internal/customers/external/whatsapp/") {
            let is_known = self.messages.borrow().iter().any(|message| message["from"] == last);
            return if is_known { answer(200, &json!({ "id": last })) } else { answer(404, &json!({})) };
        }
        if let Some(customer) = path.strip_prefix("conversation.spin.internal/conversations?customer_id=") {
            let id = customer.split('&').next().unwrap();
            return answer(200, &json!({ "data": [{ "id": id }] }));
        }
        let path = path.strip_prefix("messaging.spin.internal/conversations/").unwrap();
        let (id, query) = path.split_once("/messages?after=").unwrap();
        let after: usize = query.split('&').next().unwrap().parse().unwrap();
        let page = self.stored(id).into_iter().skip(after).take(100).collect::<Vec<_>>();
        answer(200, &json!({ "data": page }))
    }

    fn stored(&self, from: &str) -> Vec<Value> {
        let flaw = self.flaw.get();
        let messages = self.messages.borrow();
        let mut stored: Vec<&Value> = Vec::new();
        for (number, message) in messages.iter().enumerate().filter(|(_, message)| message["from"] == from) {
            match (flaw, number % 10) {
                (Flaw::Loses, 0) => {}
                (Flaw::Doubles, 0) => stored.extend([message, message]),
                _ => stored.push(message),
            }
        }
        if flaw == Flaw::Reverses {
            stored.reverse();
        }
        let shown = |(number, message): (usize, &Value)| {
            let body = message["text"]["body"].as_str().or_else(|| message["image"]["caption"].as_str());
            let body = body.map(|body| {
                if flaw == Flaw::Mangles { body.replace(|c: char| !c.is_ascii(), "?") } else { body.to_owned() }
            });
            json!({ "seq": number + 1, "external_message_id": message["id"], "body": body, "content_type": message["type"], "status": "delivered" })
        };
        stored.into_iter().enumerate().map(shown).collect()
    }

    /// As the real one counts: each message once.
    fn take(&self, body: &Value) -> Value {
        let (mut accepted, mut duplicates, mut rejected) = (0, 0, 0);
        for change in body["entry"].as_array().unwrap().iter().flat_map(|entry| entry["changes"].as_array().unwrap()) {
            let items = change["value"]["messages"].as_array().into_iter().flatten();
            let (mut items, bad): (Vec<&Value>, Vec<&Value>) = items.partition(|item| item["id"].is_string());
            rejected += bad.len();
            items.sort_by_key(|message| message["timestamp"].as_str().unwrap().parse::<i64>().unwrap());
            for message in items {
                let mut messages = self.messages.borrow_mut();
                if messages.iter().any(|known| known["id"] == message["id"]) {
                    duplicates += 1;
                } else {
                    messages.push(message.clone());
                    accepted += 1;
                }
            }
        }
        json!({ "status": "received", "processed": true, "accepted": accepted, "duplicates": duplicates, "ignored": 0, "rejected": rejected })
    }

    fn take_form(&self, body: &[u8]) -> Value {
        self.messages.borrow_mut().push(json!({ "form": String::from_utf8_lossy(body) }));
        json!({ "status": "received", "processed": true, "accepted": 1, "duplicates": 0, "ignored": 0 })
    }
}

pub fn header<'a>(request: &'a Outgoing, name: &str) -> &'a str {
    let name = HeaderName::try_from(name).unwrap();
    request.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

pub fn signature(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

pub fn answer(status: u16, body: &Value) -> Response {
    let mut response = Response::new(body.to_string().into_bytes());
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}
