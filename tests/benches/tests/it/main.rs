//! The twin must do the work that it is measured for: a benchmark against a server that drops messages would flatter us.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hmac::{Hmac, Mac};

const SECRET: &str = "secret";
const BODY: &str = r#"{"entry":[{"changes":[{"value":{"metadata":{"phone_number_id":"1"},
    "contacts":[{"profile":{"name":"Sheena"}}],
    "messages":[{"from":"16505551234","id":"wamid.1","timestamp":"1749416383","text":{"body":"Hello"}}]}}]}]}"#;

struct Twin {
    child: Child,
    address: String,
}

impl Twin {
    fn start(dir: &Path, commit: &str) -> Twin {
        Twin::run(dir, &["serve-twin", "--secret", SECRET, "--commit", commit])
    }

    fn run(dir: &Path, arguments: &[&str]) -> Twin {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kobliat-bench"))
            .args(arguments)
            .arg("--dir")
            .arg(dir)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the twin starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout is piped")).read_line(&mut line).expect("the twin prints");
        let address = line.trim().strip_prefix("Serving http://").expect("its address").to_owned();
        Twin { child, address }
    }

    fn get(&self, path: &str, key: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the twin listens");
        write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-api-key: {key}\r\n\r\n")
            .expect("the request is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer comes");
        answer
    }

    fn post(&self, signature: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the twin listens");
        let length = BODY.len();
        write!(
            stream,
            "POST /webhooks/whatsapp HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-hub-signature-256: sha256={signature}\r\n\
             content-length: {length}\r\n\r\n{BODY}"
        )
        .expect("the request is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer comes");
        answer
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        self.child.kill().expect("the twin is ours to stop");
        self.child.wait().expect("the twin ends");
    }
}

fn signature() -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key of any length");
    mac.update(BODY.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

fn count(dir: &Path, database: &str, sql: &str) -> i64 {
    let connection = rusqlite::Connection::open(dir.join(database)).expect("the database is there");
    connection.query_row(sql, [], |row| row.get(0)).expect("the table is there")
}

#[test]
fn the_twin_stores_each_message_once_in_all_four_databases() {
    for commit in ["one", "group"] {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let twin = Twin::start(dir.path(), commit);
        assert!(twin.post(&signature()).contains(r#""accepted":1,"duplicates":0"#), "{commit}");
        assert!(twin.post(&signature()).contains(r#""accepted":0,"duplicates":1"#), "{commit}");
        for (database, sql, expected) in [
            ("inbound-gateway.db", "SELECT count(*) FROM webhook_deliveries", 2),
            ("customer.db", "SELECT count(*) FROM identities", 1),
            ("conversation.db", "SELECT sum(last_seq) FROM conversations WHERE last_message_preview = 'Hello'", 1),
            ("messaging.db", "SELECT count(*) FROM messages JOIN outbox ON partition_key = conversation_id", 1),
        ] {
            assert_eq!(count(dir.path(), database, sql), expected, "{commit}: {sql}");
        }
    }
}

#[test]
fn the_twin_refuses_a_wrong_signature() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let answer = Twin::start(dir.path(), "group").post("00");
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

#[test]
fn the_reader_checks_counts_logs_and_reads() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let customer = "019a0000-0000-7000-8000-00000000000a";
    let twin = Twin::run(dir.path(), &["serve-reader", "--key", "kob_live_right", "--customer", customer]);
    let found = twin.get(&format!("/api/v1/customers/{customer}"), "kob_live_right");
    assert!(found.starts_with("HTTP/1.1 200") && found.contains("Sheena Nelson"), "{found}");
    assert!(twin.get("/api/v1/customers/other", "kob_live_right").starts_with("HTTP/1.1 404"));
    assert!(twin.get(&format!("/api/v1/customers/{customer}"), "kob_live_wrong").starts_with("HTTP/1.1 401"));
    assert_eq!(count(dir.path(), "api-gateway.db", "SELECT used FROM quotas"), 64_000_000, "a slice for both");
    // Behind the answer, so a moment later.
    while count(dir.path(), "api-gateway.db", "SELECT count(*) FROM api_logs") < 3 {
        std::thread::yield_now();
    }
}
