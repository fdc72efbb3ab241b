//! The guest: a path for each of what is measured, the number of the request in its query.

use crate::{CREATE, FILL, INSERT, READ, RECORDS, body, id, key};
use anyhow::{Context, Result, bail};
use spin_sdk::http::{IntoResponse, Request, StatusCode};
use spin_sdk::key_value::Store;
use spin_sdk::sqlite::{Connection, Value};

#[spin_sdk::http_service]
async fn handle(request: Request) -> impl IntoResponse {
    let number = request.uri().query().and_then(|query| query.parse().ok()).unwrap_or_default();
    match run(request.uri().path(), number).await {
        Ok(answer) => (StatusCode::OK, answer),
        Err(wrong) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{wrong:#}")),
    }
}

async fn run(path: &str, number: u64) -> Result<String> {
    match path {
        "/setup" => setup().await,
        "/kv/get" => {
            let value = Store::open_default().await?.get(key(number)).await?.context("no such key")?;
            Ok(String::from_utf8(value)?)
        }
        "/kv/set" => {
            Store::open_default().await?.set(key(number), body(number)).await?;
            Ok("set".to_owned())
        }
        "/sql/read" => read(number).await,
        "/sql/insert" => {
            database().await?.execute(INSERT, [Value::Text(body(number))]).await?.collect().await?;
            Ok("inserted".to_owned())
        }
        _ => bail!("no such path"),
    }
}

async fn database() -> Result<Connection> {
    Ok(Connection::open_default().await?)
}

async fn read(number: u64) -> Result<String> {
    let rows = database().await?.execute(READ, [Value::Integer(id(number))]).await?.collect().await?;
    match rows.first().and_then(|row| row.values.first()) {
        Some(Value::Text(body)) => Ok(body.clone()),
        _ => bail!("no such row"),
    }
}

async fn setup() -> Result<String> {
    let (database, store) = (database().await?, Store::open_default().await?);
    database.execute(CREATE, []).await?.collect().await?;
    database.execute("BEGIN", []).await?.collect().await?;
    for number in 0..RECORDS {
        let row = [Value::Integer(id(number)), Value::Text(body(number))];
        database.execute(FILL, row).await?.collect().await?;
    }
    database.execute("COMMIT", []).await?.collect().await?;
    // Many at once share their commits.
    let sets = (0..RECORDS).map(|number| store.set(key(number), body(number)));
    for set in futures::future::join_all(sets).await {
        set?;
    }
    Ok("ready".to_owned())
}
