//! The key table's statements, on a real SQLite.

use api_gateway::clients::ApiKeys;
use api_gateway::keys::KeyHash;
use api_gateway::store::{FIND_KEY, KeyStore, MARK_KEY_USED};
use rusqlite::ToSql;
use sdk::testing::{Memory, block_on};

const INSERT: &str =
    "INSERT INTO api_keys (tenant_id, id, name, key_prefix, key_hash, scopes, created_at, expires_at, last_used_at)
                      VALUES ('acme', 'k1', 'shop', 'kob_live_abc', ?, ?, 1, 99, 50)";

fn store_with(scopes: &str) -> (Memory, KeyStore<Memory>) {
    let memory = Memory::new();
    let store = KeyStore::new(memory.clone());
    assert!(block_on(store.find_key(KeyHash::of("nothing"))).unwrap().is_none());
    memory.sqlite().execute(INSERT, (KeyHash::of("secret").to_hex(), scopes)).unwrap();
    (memory, store)
}

#[test]
fn a_key_is_found_by_its_hash() {
    let (_, store) = store_with(r#"["customers:read","messages:read"]"#);
    let key = block_on(store.find_key(KeyHash::of("secret"))).unwrap().unwrap();
    assert_eq!((key.id.as_str(), key.tenant.as_str()), ("k1", "acme"));
    assert_eq!(key.scopes, ["customers:read", "messages:read"]);
    assert_eq!((key.expires_at, key.revoked_at, key.last_used_at), (Some(99), None, Some(50)));
}

#[test]
fn the_secret_itself_is_nowhere() {
    assert_eq!(KeyHash::of("abc").to_hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn a_damaged_row_lets_nobody_in() {
    let (_, store) = store_with("customers:read");
    assert!(block_on(store.find_key(KeyHash::of("secret"))).is_err());
}

#[test]
fn the_last_use_only_moves_forward() {
    let (memory, store) = store_with("[]");
    let key = block_on(store.find_key(KeyHash::of("secret"))).unwrap().unwrap();
    for (now, kept) in [(60, 60), (55, 60), (61, 61)] {
        block_on(store.mark_key_used(&key, now));
        assert_eq!(memory.scalar("SELECT last_used_at FROM api_keys"), kept);
    }
}

#[test]
fn statements_use_indexes() {
    let (memory, _) = store_with("[]");
    let plan = |sql: &str, parameters: &[&dyn ToSql]| -> String {
        let sql = format!("EXPLAIN QUERY PLAN {sql}");
        memory.sqlite().query_row(&sql, parameters, |row| row.get(3)).unwrap()
    };
    let find = plan(FIND_KEY, &[&"hash"]);
    assert!(find.starts_with("SEARCH") && find.contains("INDEX api_keys_by_hash"), "{find}");
    let mark = plan(MARK_KEY_USED, &[&1, &"acme", &"k1", &1]);
    assert!(mark.starts_with("SEARCH") && mark.contains("PRIMARY KEY"), "{mark}");
}
