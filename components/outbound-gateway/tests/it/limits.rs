//! Limits count what their channels count: characters, or UTF-16 units, never bytes.

use outbound_gateway::domain::Done;
use outbound_gateway::domain::services::Ended;
use serde_json::json;

use crate::support::*;

/// What becomes of a text, and what is said of it.
fn end(world: &World, kind: &str, text: &str) -> (String, String) {
    world.writes(kind, Some(text), json!({ "media": { "url": "https://x.example/a.png" } }));
    match world.deliver("e1").unwrap() {
        Done::Ended(Ended::Failed(failure)) => (failure.code.unwrap(), failure.reason),
        Done::Ended(ended) => (code(&ended).to_owned(), String::new()),
        Done::Nothing => panic!(),
    }
}

#[test]
fn a_text_at_the_limit_is_sent_and_one_beyond_it_says_the_limit() {
    type Make = fn() -> World;
    let made: [(Make, &str, &str, usize, &str); 7] = [
        (World::telegram, "text", "ä", 4096, "4096"),
        // An emoji is two units of UTF-16, in which Telegram counts.
        (World::telegram, "text", "😀", 2048, "4096"),
        (World::telegram, "image", "ä", 1024, "1024"),
        (World::whatsapp, "text", "😀", 4096, "4096"),
        (World::whatsapp, "image", "ä", 1024, "1024"),
        (World::sms, "text", "ä", 1600, "1600"),
        (World::sms, "text", "😀", 800, "1600"),
    ];
    for (world, kind, character, most, limit) in made {
        assert_eq!(end(&world(), kind, &character.repeat(most)).0, "sent", "{kind} {character}");
        let over = world();
        let (code, reason) = end(&over, kind, &character.repeat(most + 1));
        assert_eq!((code.as_str(), over.sent()), ("too_long", 0), "{kind} {character}");
        assert!(reason.contains(limit) && reason.contains("in parts"), "{reason}");
    }
}
