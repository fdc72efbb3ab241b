//! Stores in a file: what is kept, apart and durable.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Arc;

use futures::future::join_all;
use kobliat_factor_key_value::Store;
use kobliat_key_value_spin::StoreFile;
use tempfile::TempDir;

async fn open(directory: &TempDir) -> StoreFile {
    StoreFile::open(&directory.path().join("state/kv.db")).await.unwrap()
}

async fn store() -> (TempDir, Arc<dyn Store>) {
    let directory = tempfile::tempdir().unwrap();
    let store = open(&directory).await.store("default");
    (directory, store)
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

#[tokio::test]
async fn what_is_set_is_there_until_it_is_deleted() {
    let (_directory, store) = store().await;
    assert_eq!(store.get("a".into()).await, Ok(None));
    store.set("a".into(), bytes("1")).await.unwrap();
    store.set("a".into(), bytes("2")).await.unwrap();
    assert_eq!(store.get("a".into()).await, Ok(Some(bytes("2"))));
    assert_eq!(store.exists("a".into()).await, Ok(true));
    store.delete("a".into()).await.unwrap();
    store.delete("a".into()).await.unwrap();
    assert_eq!(store.exists("a".into()).await, Ok(false));
    store.set(String::new(), Vec::new()).await.unwrap();
    assert_eq!(store.get(String::new()).await, Ok(Some(Vec::new())), "the empty key and the empty value are something");
}

#[tokio::test]
async fn labels_of_one_file_are_apart() {
    let directory = tempfile::tempdir().unwrap();
    let file = open(&directory).await;
    let (a, b) = (file.store("a"), file.store("b"));
    a.set("key".into(), bytes("of a")).await.unwrap();
    assert_eq!(b.get("key".into()).await, Ok(None));
    assert!(b.keys(None).await.unwrap().keys.is_empty());
    b.delete_many(vec!["key".into()]).await.unwrap();
    assert_eq!(a.get("key".into()).await, Ok(Some(bytes("of a"))));
}

#[tokio::test]
async fn pages_have_every_key_once() {
    let (_directory, store) = store().await;
    let entries: Vec<_> = (0..2500).map(|number| (format!("key-{number:04}"), Vec::new())).collect();
    store.set_many(entries.clone()).await.unwrap();
    store.set(String::new(), Vec::new()).await.unwrap();
    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = store.keys(after).await.unwrap();
        after = page.keys.last().cloned();
        listed.extend(page.keys);
        if !page.more {
            break;
        }
    }
    assert_eq!(listed.len(), 2501);
    assert_eq!(listed[0], "");
    assert!(listed[1..].iter().eq(entries.iter().map(|(key, _)| key)));
}

#[tokio::test]
async fn batches_answer_in_the_order_asked() {
    let (_directory, store) = store().await;
    store.set_many(Vec::new()).await.unwrap();
    store.set_many(vec![("b".into(), bytes("1")), ("a".into(), bytes("2")), ("b".into(), bytes("3"))]).await.unwrap();
    let keys = ["b", "missing", "a", "b"].map(str::to_owned).to_vec();
    let values = store.get_many(keys).await.unwrap();
    assert_eq!(values, [Some(bytes("3")), None, Some(bytes("2")), Some(bytes("3"))]);
    store.delete_many(vec!["a".into(), "missing".into()]).await.unwrap();
    assert_eq!(store.get_many(vec!["a".into(), "b".into()]).await.unwrap(), [None, Some(bytes("3"))]);
    assert!(store.get_many(Vec::new()).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_increments_lose_nothing() {
    let (_directory, store) = store().await;
    let adding = (0..50).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.increment("count".into(), 2).await.unwrap() })
    });
    let mut sums: Vec<i64> = join_all(adding).await.into_iter().map(Result::unwrap).collect();
    sums.sort_unstable();
    assert!(sums.iter().copied().eq((1..=50).map(|n| n * 2)), "{sums:?}");
    assert_eq!(store.get("count".into()).await, Ok(Some(100_i64.to_le_bytes().to_vec())), "as Spin keeps it");
}

#[tokio::test]
async fn a_value_that_is_no_counter_is_an_error_and_does_no_harm() {
    let (_directory, store) = store().await;
    store.set("text".into(), bytes("not 8")).await.unwrap();
    let error = store.increment("text".into(), 1).await.unwrap_err();
    assert!(error.to_string().contains("5 bytes instead of 8"), "{error}");
    store.set("full".into(), i64::MAX.to_le_bytes().to_vec()).await.unwrap();
    assert!(store.increment("full".into(), 1).await.is_err());
    assert_eq!(store.increment("other".into(), -3).await, Ok(-3), "the store goes on");
    assert_eq!(store.get("text".into()).await, Ok(Some(bytes("not 8"))));
}

#[tokio::test]
async fn a_swap_needs_the_value_that_was_seen() {
    let (_directory, store) = store().await;
    let swap = |expected: Option<&str>, value: &str| store.swap("k".into(), expected.map(bytes), bytes(value));
    assert_eq!(swap(Some("x"), "1").await, Ok(false), "there is nothing to replace");
    assert_eq!(swap(None, "1").await, Ok(true));
    assert_eq!(swap(None, "2").await, Ok(false), "there is something already");
    assert_eq!(swap(Some("1"), "2").await, Ok(true));
    assert_eq!(swap(Some("1"), "3").await, Ok(false));
    assert_eq!(store.get("k".into()).await, Ok(Some(bytes("2"))));
}

#[tokio::test]
async fn what_was_set_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let file = open(&directory).await;
    file.store("default").set("k".into(), vec![0, 255]).await.unwrap();
    file.close().await;
    assert!(file.store("default").get("k".into()).await.is_err(), "a closed file answers nothing");
    assert_eq!(open(&directory).await.store("default").get("k".into()).await, Ok(Some(vec![0, 255])));
}
