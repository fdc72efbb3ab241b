//! Every table has a bound that keeps up with what is written.

use outbound_gateway::domain::delivery::Store;
use serde_json::json;

use crate::support::*;

const DAY: i64 = 24 * 3600 * 1_000_000;

fn insert(world: &World, count: usize, state: &str, created_at: i64) {
    let database = world.memory.sqlite();
    let transaction = database.unchecked_transaction().unwrap();
    for number in 0..count {
        let event = format!("{state}-{created_at}-{number}");
        let sql = "INSERT INTO deliveries (tenant_id, event_id, message_id, state, attempts, until, created_at) VALUES ('default', ?1, ?1, ?2, 0, 0, ?3)";
        transaction.execute(sql, rusqlite_params(&event, state, created_at)).unwrap();
    }
    transaction.commit().unwrap();
}

fn rusqlite_params(event: &str, state: &str, created_at: i64) -> (String, String, i64) {
    (event.to_owned(), state.to_owned(), created_at)
}

#[test]
fn what_ended_a_month_ago_is_forgotten_and_what_has_not_is_kept() {
    let world = World::whatsapp();
    world.deliver("e1").unwrap();
    insert(&world, 4500, "ended", START - 31 * DAY);
    insert(&world, 3, "calling", START - 31 * DAY);
    insert(&world, 3, "ready", START - 366 * DAY);
    insert(&world, 3, "ended", START - 29 * DAY);
    let mut sweeps = 0;
    while block_on(world.store.sweep(START)).unwrap() {
        sweeps += 1;
    }
    assert_eq!(sweeps, 3, "2000 at once");
    assert_eq!(world.memory.scalar("SELECT count(*) FROM deliveries"), 7);
    assert_eq!(
        world.memory.scalar("SELECT count(*) FROM deliveries WHERE state = 'calling'"),
        3,
        "they would be sent again"
    );
}

#[test]
fn invented_accounts_fill_no_table() {
    let world = World::whatsapp();
    world.deliver("e0").unwrap();
    for number in 0..1005 {
        let sql = "INSERT INTO channel_stops VALUES ('default', 'whatsapp', ?1, NULL, 'x', 'f', ?2)";
        world.memory.sqlite().execute(sql, (number.to_string(), START - 2000 + number)).unwrap();
        let other = "INSERT INTO channel_stops VALUES ('acme', 'whatsapp', ?1, NULL, 'x', 'f', ?2)";
        world.memory.sqlite().execute(other, (number.to_string(), START - 2000 + number)).unwrap();
    }
    world.is(Mood::Answers(401, json!({"error": {"code": 190, "message": "Access token has expired"}})));
    world.asks_again();
    world.deliver("e1").unwrap();
    assert_eq!(world.memory.scalar("SELECT count(*) FROM channel_stops WHERE tenant_id = 'default'"), 1000);
    assert_eq!(
        world.memory.scalar("SELECT count(*) FROM channel_stops WHERE channel_account_id = '106540352242922'"),
        1
    );
    assert_eq!(
        world.memory.scalar("SELECT count(*) FROM channel_stops WHERE tenant_id = 'acme'"),
        1005,
        "others keep theirs"
    );
}
