//! The relay with subscribers that say what a test has them say.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the message; clippy.toml covers test functions only"
)]

use std::{cell::RefCell, collections::BTreeMap};

use event_relay::{
    http::{Platform, router},
    relay::{Deliver, Said},
    subscribers::Subscriber,
};
use http::Method;
use sdk::{
    Event,
    event::Incoming,
    testing::{block_on, json, request},
};

const SUBSCRIBERS: &str =
    r#"[{"component":"all","types":["com.kobliat.*"]},{"component":"one","types":["com.kobliat.test.happened.v1"]}]"#;

struct World {
    subscribers: &'static str,
    /// Component and id, in the order of delivery.
    delivered: RefCell<Vec<String>>,
    /// What a component says to an event, instead of 204.
    says: RefCell<BTreeMap<String, Said>>,
}

impl Deliver for World {
    async fn deliver(&self, subscriber: &Subscriber, event: &Incoming) -> Said {
        let name = format!("{} {}", subscriber.component, event.id());
        self.delivered.borrow_mut().push(name.clone());
        self.says.borrow().get(&name).cloned().unwrap_or(Said::Status(204))
    }
}

impl Platform for World {
    async fn subscribers(&self) -> Result<String, String> {
        Ok(self.subscribers.to_owned())
    }
}

fn world() -> World {
    World { subscribers: SUBSCRIBERS, delivered: RefCell::default(), says: RefCell::default() }
}

fn event(id: &str, kind: &'static str) -> String {
    let event = Event::new("/components/test", kind, "s", "default", 0);
    Event { id: id.to_owned(), ..event }.to_json().unwrap()
}

fn batch() -> String {
    let (happened, other) = ("com.kobliat.test.happened.v1", "com.kobliat.test.other.v1");
    format!("[{},{},{}]", event("1", happened), event("2", other), event("3", happened))
}

fn send(world: &World, body: &str) -> sdk::Response {
    let mut request = request(Method::POST, "/", body);
    request.headers.clear();
    request.headers.insert("content-type", "application/cloudevents-batch+json".parse().unwrap());
    block_on(router().handle(world, request))
}

#[test]
fn brings_each_event_to_who_wants_it_in_order() {
    let world = world();
    let answer = send(&world, &batch());
    assert_eq!((answer.status().as_u16(), &json(&answer)["accepted"]), (202, &3.into()));
    assert_eq!(*world.delivered.borrow(), ["all 1", "one 1", "all 2", "all 3", "one 3"]);
}

#[test]
fn answers_503_and_stops_when_somebody_could_not_take_an_event() {
    for said in [Said::Status(500), Said::Status(429), Said::Status(404), Said::Nothing("down".into())] {
        let world = world();
        world.says.borrow_mut().insert("one 1".into(), said);
        let answer = send(&world, &batch());
        assert_eq!(answer.status(), 503);
        assert_eq!(*world.delivered.borrow(), ["all 1", "one 1"], "nothing overtakes it");
        world.says.borrow_mut().clear();
        assert_eq!(send(&world, &batch()).status(), 202);
    }
}

#[test]
fn goes_on_when_an_event_is_refused_for_good() {
    let world = world();
    world.says.borrow_mut().insert("one 1".into(), Said::Status(422));
    assert_eq!(send(&world, &batch()).status(), 202);
    assert_eq!(world.delivered.borrow().len(), 5);
}

#[test]
fn takes_nothing_of_a_batch_with_a_bad_event() {
    let world = world();
    let body = format!("[{},{{\"id\":\"2\"}}]", event("1", "com.kobliat.test.happened.v1"));
    let answer = send(&world, &body);
    assert_eq!(answer.status(), 400);
    assert!(json(&answer)["detail"].as_str().unwrap().starts_with("event 1:"));
    assert!(world.delivered.borrow().is_empty());
}

#[test]
fn keeps_events_in_the_outbox_when_the_subscribers_are_not_readable() {
    let world = World { subscribers: "notification", ..world() };
    assert_eq!(send(&world, &batch()).status(), 503);
}

#[test]
fn its_health_tells_of_subscribers_that_make_no_sense() {
    let health = |world: &World| block_on(router().handle(world, request(Method::GET, "/health", "")));
    assert_eq!(health(&world()).status(), 200);
    let told = health(&World { subscribers: "{}", ..world() });
    assert!(told.status() == 503 && json(&told)["detail"].as_str().unwrap().contains("event_subscribers"));
}
