//! A deleted tenant leaves nothing behind: every table of every service, taken from the database itself.

use sdk::erase::{self, Table};
use sdk::sql::{Database, Migration, Value};

use crate::SERVICES;
use crate::host::Host;

/// Removed by the service's own code, which removes files in a bucket with them.
const MEDIA: &[&str] = &["media", "contents", "chunks", "variants", "uploads"];
/// The list of tenants, in which a deleted one stays as a name; and what is the platform's, or not yet sent.
const KEPT: &[&str] =
    &["tenants", "erasures", "chores", "outbox", "outbox_lease", "message_words", "message_search_progress"];
/// Follow another table by its triggers.
const FOLLOWING: &[&str] = &["customer_search", "conversation_search"];

fn erased(service: &str) -> &'static [Table] {
    match service {
        "api-gateway" => api_gateway::store::erasures::ERASED,
        "chat-simulator" => chat_simulator::store::erased::ERASED,
        "conversation" => conversation::store::erased::ERASED,
        "customer" => customer::store::erased::ERASED,
        "inbound-gateway" => inbound_gateway::store::erased::ERASED,
        "media" => media::store::ERASED,
        "messaging" => messaging::store::erased::ERASED,
        "notification" => notification::store::erased::ERASED,
        "outbound-gateway" => outbound_gateway::store::erased::ERASED,
        other => panic!("say here what goes from `{other}` when a tenant is deleted"),
    }
}

async fn tables_of_tenants(database: &Database<Host>) -> Vec<String> {
    const TABLES: &str = "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c ON c.name = 'tenant_id' \
                          WHERE m.type = 'table'";
    let rows = database.execute(TABLES, Vec::new()).await.unwrap();
    rows.into_iter().map(|mut row| row.take().unwrap()).collect()
}

#[tokio::test]
async fn no_table_of_tenants_is_forgotten() {
    let state = tempfile::tempdir().unwrap();
    for (service, migrations) in SERVICES {
        let database = open(state.path(), service, migrations);
        let known: Vec<&str> = erased(service).iter().map(|table| table.name).collect();
        for table in tables_of_tenants(&database).await {
            let name = table.as_str();
            let is_known = known.contains(&name)
                || KEPT.contains(&name)
                || FOLLOWING.contains(&name)
                || (*service == "media" && MEDIA.contains(&name));
            assert!(is_known, "{service}: `{name}` keeps what a deleted tenant had: add it to ERASED");
        }
        assert_eq!(erase::step(&database, "acme", erased(service)).await.unwrap(), (0, true), "{service}");
    }
}

fn open(state: &std::path::Path, service: &str, migrations: &'static [Migration]) -> Database<Host> {
    Database::new(Host::open(&state.join(service)), migrations)
}

/// Words of a deleted tenant are in the index no more, and the next message is, whichever row it gets.
#[tokio::test]
async fn a_deleted_tenant_s_messages_leave_the_search_index() {
    let state = tempfile::tempdir().unwrap();
    let database = open(state.path(), "messaging", messaging::store::MIGRATIONS);
    let run = async |sql: &str| database.execute(sql, Vec::<Value>::new()).await.unwrap();
    let insert = |tenant: &str, id: u32, body: &str| {
        format!(
            "INSERT INTO messages (tenant_id, id, conversation_id, seq, direction, body, content_type, status, \
             sent_at, metadata, created_at, updated_at) VALUES \
             ('{tenant}', '{id}', 'c', {id}, 'inbound', '{body}', 'text', 'delivered', 1, '{{}}', 1, 1)"
        )
    };
    run(&insert("default", 1, "hello")).await;
    for id in 2..30 {
        run(&insert("acme", id, "a secret word")).await;
    }
    run("INSERT INTO message_words (rowid, tenant_id, body) SELECT rowid, tenant_id, body FROM messages").await;
    run("UPDATE message_search_progress SET indexed_to = (SELECT max(rowid) FROM messages)").await;
    let (removed, is_done) = erase::step(&database, "acme", messaging::store::erased::ERASED).await.unwrap();
    assert_eq!((removed, is_done), (28, true));
    let found = async |word: &str| {
        run(&format!("SELECT rowid FROM message_words WHERE message_words MATCH '{word}'")).await.len()
    };
    assert_eq!((found("secret").await, found("hello").await), (0, 1));
    let indexed_to: i64 = run("SELECT indexed_to FROM message_search_progress").await.remove(0).take().unwrap();
    assert_eq!(indexed_to, 1, "what takes the numbers of rows that are gone is indexed, too");
    run("INSERT INTO message_words (message_words) VALUES ('integrity-check')").await;
}
