//! The native twin of `records`: hyper and rusqlite with group commit, the same paths, tables and statements.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use records::{CREATE, FILL, INSERT, READ, RECORDS, body, id, key};
use rusqlite::{Connection, Result as Sql, params};

use crate::arguments::Commit;
use crate::hello;
use crate::twin::database::Database;

/// As `key-value-spin` has them.
const CREATE_STORE: &str = "CREATE TABLE IF NOT EXISTS spin_key_value (
    store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))";
const GET: &str = "SELECT value FROM spin_key_value WHERE store = ? AND key = ?";
const SET: &str = "INSERT INTO spin_key_value (store, key, value) VALUES (?, ?, ?)
    ON CONFLICT (store, key) DO UPDATE SET value = excluded.value";

/// The platform, too, has a file for stores and a file for each database.
struct Twin {
    store: Database,
    database: Database,
}

pub fn serve(dir: &Path) -> anyhow::Result<()> {
    let open = |file: &str, schema| Database::open(&dir.join(file), &[schema], Commit::Group);
    let twin = Arc::new(Twin { store: open("store.db", CREATE_STORE)?, database: open("database.db", CREATE)? });
    hello::run(move |request| answer(Arc::clone(&twin), request))
}

async fn answer(twin: Arc<Twin>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let number = request.uri().query().and_then(|query| query.parse().ok()).unwrap_or_default();
    let (status, text) = match twin.run(request.uri().path(), number).await {
        Ok(text) => (StatusCode::OK, text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response
}

impl Twin {
    async fn run(&self, path: &str, number: u64) -> anyhow::Result<String> {
        match path {
            "/setup" => {
                self.store.write(|connection| (0..RECORDS).try_for_each(|number| set(connection, number))).await?;
                self.database.write(|connection| (0..RECORDS).try_for_each(|number| fill(connection, number))).await?;
                Ok("ready".to_owned())
            }
            "/kv/get" => {
                let value: Vec<u8> = self.store.read(|connection| {
                    connection.prepare_cached(GET)?.query_row(params!["default", key(number)], |row| row.get(0))
                })?;
                String::from_utf8(value).context("no text")
            }
            "/kv/set" => {
                self.store.write(move |connection| set(connection, number)).await?;
                Ok("set".to_owned())
            }
            "/sql/read" => Ok(self
                .database
                .read(|connection| connection.prepare_cached(READ)?.query_row([id(number)], |row| row.get(0)))?),
            "/sql/insert" => {
                let insert = move |connection: &Connection| connection.prepare_cached(INSERT)?.execute([body(number)]);
                self.database.write(insert).await?;
                Ok("inserted".to_owned())
            }
            _ => anyhow::bail!("no such path"),
        }
    }
}

fn set(connection: &Connection, number: u64) -> Sql<()> {
    let value = body(number).into_bytes();
    connection.prepare_cached(SET)?.execute(params!["default", key(number), value]).map(drop)
}

fn fill(connection: &Connection, number: u64) -> Sql<()> {
    connection.prepare_cached(FILL)?.execute(params![id(number), body(number)]).map(drop)
}
