//! What the file says, and what is refused.

use super::*;

const FILE: &str = r#"
    state_dir = ".kobliat"
    [sqlite_database.customer]
    type = "spin"
    path = ".kobliat/customer.db"
    [sqlite_database.elsewhere]
    type = "spin"
    path = "data/elsewhere.db"
    [[variables_provider]]
    type = "static"
    values = { a = "1" }
"#;

#[test]
fn paths_inside_the_state_directory_follow_it() {
    let config = RuntimeConfig::parse(FILE, Path::new("/app")).unwrap();
    assert_eq!(config.state_dir().unwrap(), Path::new("/app/.kobliat"));
    let databases = config.sqlite_databases(Path::new("/tmp/own"));
    assert_eq!(databases["customer"], Path::new("/tmp/own/customer.db"));
    assert_eq!(databases["elsewhere"], Path::new("/app/data/elsewhere.db"));
    assert_eq!(databases["default"], Path::new("/tmp/own/sqlite_db.db"));
}

#[test]
fn an_empty_log_dir_turns_logs_off() {
    let state = Path::new("/state");
    let config = RuntimeConfig::parse("log_dir = \"\"", Path::new("/app")).unwrap();
    assert_eq!(config.log_dir(state), None);
    assert_eq!(RuntimeConfig::default().log_dir(state).unwrap(), Path::new("/state/logs"));
}

#[test]
fn refuses_keys_that_nobody_reads_and_says_where() {
    let error = RuntimeConfig::parse("state_dri = \"x\"\n", Path::new("/app")).unwrap_err().to_string();
    assert!(error.contains("line 1") && error.contains("state_dri") && error.contains("state_dir"), "{error}");
    let bad_type = "[sqlite_database.a]\ntype = \"libsqll\"\n";
    assert!(RuntimeConfig::parse(bad_type, Path::new("/app")).is_err());
}

#[test]
fn every_table_of_spins_is_read() {
    let config = RuntimeConfig::parse(EVERYTHING, Path::new("/app")).unwrap();
    assert_eq!(config.max_instance_memory(), Some(1_000_000));
    let stores = config.key_value_stores(Path::new("/state"));
    assert_eq!(stores["default"], Path::new("/state/sqlite_key_value.db"));
    assert_eq!(
        (stores["a"].as_path(), stores["b"].as_path()),
        (Path::new("/app/a.db"), Path::new("/state/key_value_b.db"))
    );
    assert!(config.blocked_networks().is_ok() && !config.http_options().pooling);
    let [(hosts, tls)] = config.client_tls("web").try_into().unwrap();
    assert_eq!(hosts, ["db.example.com"]);
    assert!(!tls.platform_roots && !tls.webpki_roots, "a file of roots takes their place");
    assert_eq!(tls.roots_file.unwrap(), Path::new("/app/roots.pem"));
    assert!(config.client_tls("other").is_empty());
    assert!(refusals::refusals(&config.file).is_empty());
}

const EVERYTHING: &str = r#"
    max_instance_memory = 1000000
    [key_value_store.a]
    type = "spin"
    path = "a.db"
    [key_value_store.b]
    type = "spin"
    [sqlite_database.a]
    type = "spin"
    allow_attach_file = false
    [[config_provider]]
    type = "env"
    prefix = "APP"
    [llm_compute]
    type = "spin"
    [outbound_networking]
    block_networks = ["10.0.0.0/8", "private"]
    max_total_connections = 100
    [[client_tls]]
    component_ids = ["web"]
    hosts = ["db.example.com"]
    ca_roots_file = "roots.pem"
    [outbound_http]
    connection_pooling = false
    max_concurrent_requests = 10
    [outbound_redis]
    max_connections = 1
    [outbound_mqtt]
    max_payload_size_bytes = 1
"#;

#[test]
fn what_this_host_does_not_have_is_named() {
    for (text, expected) in [
        (
            "[key_value_store.s]\ntype = \"redis\"\nurl = \"redis://x\"\n",
            "[key_value_store.s]: this host has no backend `redis`",
        ),
        (
            "[sqlite_database.d]\ntype = \"libsql\"\nurl = \"x\"\ntoken = \"y\"\n",
            "[sqlite_database.d]: this host has no backend `libsql`",
        ),
        ("[sqlite_database.d]\ntype = \"spin\"\nallow_attach_file = true\n", "`allow_attach_file`"),
        ("[[variables_provider]]\ntype = \"vault\"\nurl = \"x\"\n", "no provider `vault`"),
        ("[llm_compute]\ntype = \"remote_http\"\nurl = \"x\"\n", "[llm_compute]"),
        ("[outbound_networking]\nmax_socket_connections = 1\n", "`max_socket_connections`"),
    ] {
        let config = RuntimeConfig::parse(text, Path::new("/app")).unwrap();
        let [reason] = refusals::refusals(&config.file).try_into().unwrap();
        assert!(reason.contains(expected), "{reason}");
    }
}

#[test]
fn a_table_that_says_nothing_of_pooling_pools() {
    let config = RuntimeConfig::parse("[outbound_http]\nmax_connections = 5\n", Path::new("/app")).unwrap();
    assert!(config.http_options().pooling);
    assert!(
        RuntimeConfig::parse(
            "[[config_provider]]\ntype=\"env\"\n[[variables_provider]]\ntype=\"env\"\n",
            Path::new("/")
        )
        .is_err()
    );
}
