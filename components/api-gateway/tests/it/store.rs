//! The gateway's statements, on a real SQLite.

use api_gateway::keys::{ApiKey, KeyHash};
use api_gateway::store::{MIGRATIONS, api_keys, attempts, tenants, users};
use sdk::sql::{Database, SqlError};
use sdk::testing::{Memory, assert_uses_indexes, block_on};

const INSERT: &str =
    "INSERT INTO api_keys (tenant_id, id, name, key_prefix, key_hash, scopes, created_at, expires_at, last_used_at)
                      VALUES ('default', 'k1', 'shop', 'kob_live_abc', ?, ?, 1, 99, 50)";

fn find(tables: &Database<Memory>, secret: &str) -> Result<Option<ApiKey>, SqlError> {
    block_on(api_keys::find(tables, KeyHash::of(secret)))
}

fn store_with(scopes: &str) -> (Memory, Database<Memory>) {
    let memory = Memory::new();
    let tables = Database::new(memory.clone(), MIGRATIONS);
    assert!(find(&tables, "nothing").unwrap().is_none());
    memory.sqlite().execute(INSERT, (KeyHash::of("secret").to_hex(), scopes)).unwrap();
    (memory, tables)
}

#[test]
fn a_key_is_found_by_its_hash() {
    let (_, tables) = store_with(r#"["customers:read","messages:read"]"#);
    let key = find(&tables, "secret").unwrap().unwrap();
    assert_eq!((key.id.as_str(), key.tenant.as_str()), ("k1", "default"));
    assert_eq!(key.scopes, ["customers:read", "messages:read"]);
    assert_eq!((key.expires_at, key.revoked_at, key.last_used_at), (Some(99), None, Some(50)));
}

#[test]
fn the_secret_itself_is_nowhere() {
    assert_eq!(KeyHash::of("abc").to_hex(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn a_damaged_row_lets_nobody_in() {
    let (_, tables) = store_with("customers:read");
    assert!(find(&tables, "secret").is_err());
}

#[test]
fn the_last_use_only_moves_forward() {
    let (memory, tables) = store_with("[]");
    let key = find(&tables, "secret").unwrap().unwrap();
    for (now, kept) in [(60, 60), (55, 60), (61, 61)] {
        block_on(api_keys::mark_used(&tables, &key, now)).unwrap();
        assert_eq!(memory.scalar("SELECT last_used_at FROM api_keys"), kept);
    }
}

#[test]
fn statements_use_indexes() {
    let (memory, _) = store_with("[]");
    for statement in [
        api_keys::FIND,
        attempts::HAS_SIGNED_IN,
        api_keys::MARK_USED,
        api_keys::LIST,
        api_keys::GET,
        api_keys::REVOKE,
        tenants::LIST,
        tenants::GET,
        tenants::UPDATE,
        tenants::DELETE,
        users::FIND,
        users::LIST,
        users::GET,
        users::UPDATE,
        users::DELETE,
    ] {
        assert_uses_indexes(&memory, statement);
    }
}
