//! One label's store: each operation is one statement, except where it must read before it writes.

use std::collections::HashMap;
use std::sync::Arc;

use kobliat_factor_key_value::{Answer, Page, Store, StoreError};
use kobliat_sqlite::{Database, Error, QueryOutput, Session, Value};

use crate::sql;

/// Keys of one page. A page of the longest keys is 64 MiB, what the engine answers at most.
const PAGE: usize = 1000;

pub(crate) struct SpinStore {
    database: Arc<Database>,
    label: String,
}

type Values = Vec<Vec<Value>>;

impl SpinStore {
    pub fn new(database: Arc<Database>, label: &str) -> Self {
        Self { database, label: label.to_owned() }
    }

    /// A session of its own: it costs nothing, and what one caller abandons concerns no other.
    async fn run(&self, sql: &str, params: Vec<Value>) -> Result<Values, StoreError> {
        run(&self.database.session(), sql, params).await
    }

    fn at(&self, key: String) -> Vec<Value> {
        vec![Value::Text(self.label.clone()), Value::Text(key)]
    }

    fn at_all(&self, keys: Vec<String>) -> Vec<Value> {
        std::iter::once(self.label.clone()).chain(keys).map(Value::Text).collect()
    }

    fn entry(&self, key: String, value: Vec<u8>) -> Vec<Value> {
        vec![Value::Text(self.label.clone()), Value::Text(key), Value::Blob(value)]
    }

    async fn add(&self, key: String, delta: i64) -> Result<i64, StoreError> {
        let session = self.database.session();
        run(&session, "BEGIN", Vec::new()).await?;
        let before = run(&session, sql::GET, self.at(key.clone())).await?;
        let before = first(before).map(blob).map_or(Ok(0), number)?;
        let sum = before
            .checked_add(delta)
            .ok_or_else(|| StoreError(format!("{before} + {delta} is beyond what a counter can hold")))?;
        run(&session, sql::SET, self.entry(key, sum.to_le_bytes().to_vec())).await?;
        run(&session, "COMMIT", Vec::new()).await?;
        Ok(sum)
    }
}

impl Store for SpinStore {
    fn get(&self, key: String) -> Answer<'_, Option<Vec<u8>>> {
        Box::pin(async { Ok(first(self.run(sql::GET, self.at(key)).await?).map(blob)) })
    }

    fn set(&self, key: String, value: Vec<u8>) -> Answer<'_, ()> {
        Box::pin(async { self.run(sql::SET, self.entry(key, value)).await.map(drop) })
    }

    fn delete(&self, key: String) -> Answer<'_, ()> {
        Box::pin(async { self.run(sql::DELETE, self.at(key)).await.map(drop) })
    }

    fn exists(&self, key: String) -> Answer<'_, bool> {
        Box::pin(async { Ok(!self.run(sql::EXISTS, self.at(key)).await?.is_empty()) })
    }

    fn keys(&self, after: Option<String>) -> Answer<'_, Page> {
        Box::pin(async {
            let sql = if after.is_some() { sql::KEYS_AFTER } else { sql::FIRST_KEYS };
            let limit = Value::Integer(i64::try_from(PAGE).unwrap_or(i64::MAX));
            let params = self.at_all(after.into_iter().collect()).into_iter().chain([limit]).collect();
            let keys: Vec<String> = self.run(sql, params).await?.into_iter().flatten().filter_map(text).collect();
            Ok(Page { more: keys.len() == PAGE, keys })
        })
    }

    fn get_many(&self, keys: Vec<String>) -> Answer<'_, Vec<Option<Vec<u8>>>> {
        Box::pin(async move {
            let rows = self.run(&sql::get_many(keys.len()), self.at_all(keys.clone())).await?;
            let found: HashMap<String, Vec<u8>> = rows.into_iter().filter_map(pair).collect();
            Ok(keys.iter().map(|key| found.get(key).cloned()).collect())
        })
    }

    fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> Answer<'_, ()> {
        Box::pin(async {
            if entries.is_empty() {
                return Ok(());
            }
            let sql = sql::set_many(entries.len());
            let params = entries.into_iter().flat_map(|(key, value)| self.entry(key, value)).collect();
            self.run(&sql, params).await.map(drop)
        })
    }

    fn delete_many(&self, keys: Vec<String>) -> Answer<'_, ()> {
        Box::pin(async { self.run(&sql::delete_many(keys.len()), self.at_all(keys)).await.map(drop) })
    }

    fn increment(&self, key: String, delta: i64) -> Answer<'_, i64> {
        Box::pin(self.add(key, delta))
    }

    fn swap(&self, key: String, expected: Option<Vec<u8>>, value: Vec<u8>) -> Answer<'_, bool> {
        Box::pin(async {
            let written = match expected {
                None => self.run(sql::ADD, self.entry(key, value)).await?,
                Some(expected) => {
                    let [label, key] = [self.label.clone(), key].map(Value::Text);
                    self.run(sql::REPLACE, vec![Value::Blob(value), label, key, Value::Blob(expected)]).await?
                }
            };
            Ok(!written.is_empty())
        })
    }
}

async fn run(session: &Session, sql: &str, params: Vec<Value>) -> Result<Values, StoreError> {
    let QueryOutput { rows, .. } = session.execute(sql, params).await.map_err(explain)?;
    Ok(rows)
}

/// The guest hears what it can act on; what is wrong with the host's files is for its log.
fn explain(error: Error) -> StoreError {
    match error {
        Error::Full => StoreError("the store or its disk is full".to_owned()),
        Error::Busy(_) => StoreError("too many writes wait for this store; try again later".to_owned()),
        Error::TooLarge(_) => StoreError("the answer is too large; ask for less at a time".to_owned()),
        Error::TimedOut(milliseconds) => StoreError(format!("the operation was stopped after {milliseconds} ms")),
        other => {
            tracing::error!("a key-value store failed: {other}");
            StoreError("the store failed; the host's log says why".to_owned())
        }
    }
}

fn first(rows: Values) -> Option<Value> {
    rows.into_iter().next()?.into_iter().next()
}

/// Spin's table says BLOB, but SQLite lets another program write text there.
fn blob(value: Value) -> Vec<u8> {
    match value {
        Value::Blob(bytes) => bytes,
        Value::Text(text) => text.into_bytes(),
        Value::Integer(number) => number.to_string().into_bytes(),
        Value::Real(number) => number.to_string().into_bytes(),
        Value::Null => Vec::new(),
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn pair(row: Vec<Value>) -> Option<(String, Vec<u8>)> {
    let mut row = row.into_iter();
    Some((text(row.next()?)?, blob(row.next()?)))
}

fn number(bytes: Vec<u8>) -> Result<i64, StoreError> {
    let bytes: [u8; 8] = bytes.try_into().map_err(|bytes: Vec<u8>| {
        StoreError(format!("the value is no counter: it has {} bytes instead of 8", bytes.len()))
    })?;
    Ok(i64::from_le_bytes(bytes))
}
