//! `spin:key-value/key-value@3.0.0`, by the SDK.

use super::same;
use anyhow::Result;
use spin_sdk::key_value::{Error, Store};

/// More keys than one page of the host's.
const KEYS: usize = 1200;

pub async fn check() -> Result<()> {
    let store = Store::open("v3").await?;
    same("a missing key", store.get("missing").await?, None)?;
    store.set("bytes", [0, 255, 7]).await?;
    same("a value", store.get("bytes").await?, Some(vec![0, 255, 7]))?;
    same("exists", (store.exists("bytes").await?, store.exists("missing").await?), (true, false))?;
    store.delete("bytes").await?;
    store.delete("bytes").await?;
    same("a deleted key", store.exists("bytes").await?, false)?;
    let long = store.set("k".repeat(100_000), "").await;
    same("a key that is too long", matches!(long, Err(Error::Other(_))), true)?;
    keys(&store).await?;
    too_many_handles().await
}

/// Uses the store while its keys are listed, and leaves a listing half-way.
async fn keys(store: &Store) -> Result<()> {
    for number in 0..KEYS {
        store.set(format!("key-{number:04}"), [1]).await?;
    }
    let mut keys = store.get_keys().await;
    let mut seen = Vec::new();
    while let Some(key) = keys.next().await {
        store.get(&key).await?;
        if seen.len() % 100 == 0 {
            store.set("key-0000", [2]).await?;
        }
        seen.push(key);
    }
    keys.result().await?;
    let all: Vec<String> = (0..KEYS).map(|number| format!("key-{number:04}")).collect();
    same("the keys", seen == all, true)?;
    let mut half = store.get_keys().await;
    same("the first key", half.next().await.as_deref(), Some("key-0000"))?;
    drop(half);
    same("the store after a listing was left", store.exists("key-0001").await?, true)
}

async fn too_many_handles() -> Result<()> {
    let mut stores = Vec::new();
    let refusal = loop {
        match Store::open("v3").await {
            Ok(store) => stores.push(store),
            Err(refusal) => break refusal,
        }
    };
    same("the handle too many", matches!(refusal, Error::StoreTableFull), true)?;
    same("handles", stores.len() >= 250, true)
}
