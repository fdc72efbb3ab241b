//! Every service's migrations and statements on the host's own SQLite. The services' native tests run on a SQLite without the host's
//! policy: what that denies would otherwise be seen when the platform starts, or at midnight.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message; clippy.toml covers test functions only")]

mod erased;
mod host;

use host::Host;
use sdk::sql::{Database, Migration, Value};

const SERVICES: &[(&str, &[Migration])] = &[
    ("api-gateway", api_gateway::store::MIGRATIONS),
    ("chat-simulator", chat_simulator::store::MIGRATIONS),
    ("conversation", conversation::store::MIGRATIONS),
    ("customer", customer::store::MIGRATIONS),
    ("inbound-gateway", inbound_gateway::store::MIGRATIONS),
    ("media", media::store::MIGRATIONS),
    ("messaging", messaging::store::MIGRATIONS),
    ("notification", notification::store::MIGRATIONS),
    ("outbound-gateway", outbound_gateway::store::MIGRATIONS),
];

fn folder(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../components").join(name)
}

#[test]
fn no_service_with_tables_is_forgotten() {
    for component in std::fs::read_dir(folder("")).unwrap() {
        let name = component.unwrap().file_name().into_string().unwrap();
        let has_tables = name != "sdk" && folder(&name).join("migrations").is_dir();
        assert!(!has_tables || SERVICES.iter().any(|(service, _)| *service == name), "add `{name}` to SERVICES");
    }
}

#[tokio::test]
async fn every_migration_passes_the_host_s_policy() {
    let state = tempfile::tempdir().unwrap();
    for (service, migrations) in SERVICES {
        let path = state.path().join(service);
        // Twice: what is there already is left alone.
        for _ in 0..2 {
            let database = Database::new(Host::open(&path), migrations);
            let applied = database.execute("SELECT count(*), max(number) FROM schema_migrations", Vec::new()).await;
            let mut row = applied.unwrap_or_else(|error| panic!("{service}: {error}")).remove(0);
            let (count, newest): (usize, u32) = (row.take().unwrap(), row.take().unwrap());
            assert_eq!((count, Some(newest)), (migrations.len(), migrations.iter().map(|one| one.number).max()));
        }
    }
}

/// Prepared only: what a statement finds or changes is its service's to test, that it may run is this one's.
#[tokio::test]
async fn every_statement_passes_the_host_s_policy() {
    let state = tempfile::tempdir().unwrap();
    for (service, migrations, statements) in [
        ("conversation", conversation::store::MIGRATIONS, conversation::store::statements::ALL),
        ("customer", customer::store::MIGRATIONS, customer::store::statements::ALL),
        ("messaging", messaging::store::MIGRATIONS, messaging::store::statements::ALL),
    ] {
        let database = Database::new(Host::open(&state.path().join(service)), migrations);
        for sql in statements {
            let ran = database.execute(&format!("EXPLAIN {sql}"), vec![Value::Null; parameters(sql)]).await;
            ran.unwrap_or_else(|error| panic!("{service}: {sql}: {error}"));
        }
    }
}

/// The highest number of `?n`, or how many `?` there are.
fn parameters(sql: &str) -> usize {
    let numbered = sql.split('?').skip(1).map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(0)
    });
    match numbered.max() {
        None | Some(0) => sql.matches('?').count(),
        Some(highest) => highest,
    }
}
