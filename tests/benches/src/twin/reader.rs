//! The native twin of a read through the public API: key, quota, read, log; hyper and rusqlite.
//!
//! It keeps in memory what the gateway keeps there (the key for 5 s, a slice of the quota) and writes what the gateway writes, behind the answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;
use rusqlite::{Connection, OptionalExtension, Result, params, params_from_iter};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::database::Database;
use super::statements::{BY_ID, GATEWAY_MIGRATIONS, migrations};
use crate::arguments::{Commit, Reader as Arguments};
use crate::hello;

const TENANT: &str = "default";
const KEY_ID: &str = "019a0000-0000-7000-8000-000000000001";
/// As the gateway's.
const KEY_TTL: Duration = Duration::from_secs(5);
const SLICE: i64 = 64;
const ROWS: usize = 50;
const GATHERING: Duration = Duration::from_millis(50);
const PER_HOUR: i64 = 1_000_000;

/// A row of `api_logs`.
type Entry = [rusqlite::types::Value; 11];

pub struct Reader {
    gateway: Arc<Database>,
    customer: Database,
    known: Mutex<Option<(String, Instant)>>,
    tokens: Mutex<i64>,
    log: mpsc::UnboundedSender<Entry>,
}

pub fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    let (log, entries) = mpsc::unbounded_channel();
    let reader = Arc::new(Reader::open(arguments, log)?);
    let (gateway, entries) = (reader.gateway.clone(), Arc::new(Mutex::new(Some(entries))));
    hello::run(move |request| {
        // The first request brings the runtime on which the log is written.
        if let Some(entries) = entries.lock().unwrap_or_else(PoisonError::into_inner).take() {
            tokio::spawn(write_log(gateway.clone(), entries));
        }
        let reader = reader.clone();
        let (parts, _no_body) = request.into_parts();
        async move { reader.answer(&parts).await }
    })
}

impl Reader {
    fn open(arguments: &Arguments, log: mpsc::UnboundedSender<Entry>) -> anyhow::Result<Reader> {
        let open = |label: &str, migrations: &[&str]| {
            Database::open(&arguments.dir.join(format!("{label}.db")), migrations, Commit::Group)
        };
        let (gateway, customer) = (open("api-gateway", GATEWAY_MIGRATIONS)?, open("customer", &migrations!(customer))?);
        let now = now();
        let at = Connection::open(arguments.dir.join("api-gateway.db"))?;
        at.execute(
            "INSERT INTO api_keys (tenant_id, id, name, key_prefix, key_hash, scopes, created_at) VALUES (?, ?, 'bench', 'kob_live_', ?, '[\"customers:read\"]', ?)",
            params![TENANT, KEY_ID, hash(&arguments.key), now],
        )?;
        Connection::open(arguments.dir.join("customer.db"))?.execute(
            "INSERT INTO customers (tenant_id, id, external_type, external_id, name, metadata, created_at, updated_at) \
             VALUES (?, ?, 'whatsapp', '16505551234', 'Sheena Nelson', '{\"plan\":\"gold\"}', ?, ?)",
            params![TENANT, arguments.customer, now, now],
        )?;
        Ok(Reader { gateway: Arc::new(gateway), customer, known: Mutex::default(), tokens: Mutex::new(0), log })
    }

    async fn answer(&self, request: &Parts) -> Response<Full<Bytes>> {
        let started = now();
        let id = request.uri.path().strip_prefix("/api/v1/customers/").unwrap_or_default().to_owned();
        let told = self.read(&request.headers, &id).await;
        let (status, body) = match told {
            Ok(Some(customer)) => (StatusCode::OK, customer),
            Ok(None) => (StatusCode::NOT_FOUND, json!({ "title": "Not Found" })),
            Err(status) => (status, json!({ "title": status.as_str() })),
        };
        self.note(&request.method, request.uri.path(), status, started);
        let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        let left = *self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        headers.extend(
            HeaderValue::from_str(&format!("\"default\";r={left};t=1"))
                .map(|value| (http::HeaderName::from_static("ratelimit"), value)),
        );
        response
    }

    async fn read(&self, headers: &HeaderMap, id: &str) -> Result<Option<Value>, StatusCode> {
        let key = headers.get("x-api-key").and_then(|key| key.to_str().ok()).ok_or(StatusCode::UNAUTHORIZED)?;
        if !self.is_known(&hash(key)).map_err(failed)? {
            return Err(StatusCode::UNAUTHORIZED);
        }
        self.spend().await?;
        let row = |row: &rusqlite::Row<'_>| {
            let metadata: String = row.get(4)?;
            Ok(json!({
                "id": row.get::<_, String>(0)?, "external_type": row.get::<_, String>(1)?, "external_id": row.get::<_, String>(2)?,
                "name": row.get::<_, Option<String>>(3)?, "metadata": serde_json::from_str::<Value>(&metadata).unwrap_or_default(),
                "created_at": row.get::<_, i64>(5)?, "updated_at": row.get::<_, i64>(6)?,
            }))
        };
        self.customer.read(|db| db.prepare_cached(BY_ID)?.query_row([TENANT, id], row).optional()).map_err(failed)
    }

    fn is_known(&self, hash: &str) -> Result<bool> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().is_some_and(|(one, at)| one == hash && at.elapsed() < KEY_TTL) {
            return Ok(true);
        }
        const FIND: &str = "SELECT k.id FROM api_keys k JOIN tenants t ON t.tenant_id = k.tenant_id \
                            WHERE k.key_hash = ? AND k.revoked_at IS NULL AND t.disabled_at IS NULL";
        let found = self
            .gateway
            .read(|db| db.prepare_cached(FIND)?.query_row([hash], |row| row.get::<_, String>(0)).optional())?;
        *known = found.as_ref().map(|_| (hash.to_owned(), Instant::now()));
        Ok(found.is_some())
    }

    async fn spend(&self) -> Result<(), StatusCode> {
        {
            let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
            if *tokens > 0 {
                *tokens -= 1;
                return Ok(());
            }
        }
        let take = |db: &Connection| {
            db.prepare_cached(
                "INSERT INTO quotas (tenant_id, principal, used, updated_at) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (tenant_id, principal) DO UPDATE SET used = max(0, used - (?4 - updated_at) * ?5 / 3600) + ?3, updated_at = ?4",
            )?
            .execute(params![TENANT, KEY_ID, SLICE * 1_000_000, now(), PER_HOUR])
        };
        self.gateway.write(take).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner) += SLICE - 1;
        Ok(())
    }

    fn note(&self, method: &Method, path: &str, status: StatusCode, started: i64) {
        let id = || Uuid::now_v7().to_string();
        let entry = [
            TENANT.to_owned().into(),
            id().into(),
            method.to_string().into(),
            path.to_owned().into(),
            i64::from(status.as_u16()).into(),
            ((now() - started) / 1000).into(),
            "127.0.0.1".to_owned().into(),
            KEY_ID.to_owned().into(),
            id().into(),
            Uuid::now_v7().simple().to_string().into(),
            started.into(),
        ];
        // The writer ends with the process.
        let _ = self.log.send(entry);
    }
}

fn failed(_: rusqlite::Error) -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

/// While a batch is on its way to the disk, the next one gathers.
async fn write_log(gateway: Arc<Database>, mut entries: mpsc::UnboundedReceiver<Entry>) {
    let mut batch = Vec::new();
    while entries.recv_many(&mut batch, ROWS).await > 0 {
        if batch.len() < ROWS {
            tokio::time::sleep(GATHERING).await;
            while batch.len() < ROWS
                && let Ok(entry) = entries.try_recv()
            {
                batch.push(entry);
            }
        }
        let rows = std::mem::take(&mut batch);
        let insert = move |db: &Connection| {
            let marks = vec!["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"; rows.len()].join(", ");
            let sql = format!(
                "INSERT INTO api_logs (tenant_id, id, method, path, status_code, duration_ms, ip_address, principal, request_id, trace_id, created_at) VALUES {marks}"
            );
            db.prepare_cached(&sql)?.execute(params_from_iter(rows.into_iter().flatten()))
        };
        if let Err(error) = gateway.write(insert).await {
            eprintln!("the log was not written: {error}");
        }
    }
}

fn hash(key: &str) -> String {
    hex::encode(Sha256::digest(key.as_bytes()))
}

/// Microseconds since the Unix epoch.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
