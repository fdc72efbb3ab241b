//! `wasi:keyvalue@0.2.0-draft2`: store, batch, atomics.

use super::same;
use super::wasi::keyvalue::atomics::{Cas, CasError, increment, swap};
use super::wasi::keyvalue::batch::{delete_many, get_many, set_many};
use super::wasi::keyvalue::store::{Bucket, Error, open};
use anyhow::{Context, Result, bail};

pub fn check() -> Result<()> {
    let bucket = open("wasi")?;
    bucket.set("bytes", &[0, 255, 7])?;
    same("a value", bucket.get("bytes")?, Some(vec![0, 255, 7]))?;
    same("exists", (bucket.exists("bytes")?, bucket.exists("missing")?), (true, false))?;
    bucket.delete("bytes")?;
    same("a deleted key", bucket.get("bytes")?, None)?;
    same("a label that is not configured", matches!(open("nowhere"), Err(Error::NoSuchStore)), true)?;
    same("another's label", matches!(open("others"), Err(Error::AccessDenied)), true)?;
    batches(&bucket)?;
    counters(&bucket)?;
    swaps(&bucket)
}

fn batches(bucket: &Bucket) -> Result<()> {
    let entries: Vec<_> = (0..1500).map(|number| (format!("many-{number:04}"), vec![1])).collect();
    set_many(bucket, &entries)?;
    let asked = ["many-1499".to_owned(), "missing".to_owned(), "many-0000".to_owned()];
    let [last, missing, first] = asked.clone();
    same("get-many", get_many(bucket, &asked)?, vec![(last, Some(vec![1])), (missing, None), (first, Some(vec![1]))])?;
    let (mut listed, mut cursor) = (Vec::new(), None);
    loop {
        let page = bucket.list_keys(cursor.as_deref())?;
        listed.extend(page.keys);
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    same("all pages", listed.iter().eq(entries.iter().map(|(key, _)| key)), true)?;
    delete_many(bucket, &listed)?;
    same("after delete-many", bucket.list_keys(None)?.keys.len(), 0)
}

fn counters(bucket: &Bucket) -> Result<()> {
    same("a new counter", increment(bucket, "count", 5)?, 5)?;
    same("a counter", increment(bucket, "count", -7)?, -2)?;
    bucket.set("text", b"not a number")?;
    same("what is no counter", increment(bucket, "text", 1).is_err(), true)?;
    same("the store goes on after it", increment(bucket, "count", 0)?, -2)
}

fn swaps(bucket: &Bucket) -> Result<()> {
    let first = Cas::new(bucket, "swapped")?;
    same("nothing yet", first.current()?, None)?;
    let second = Cas::new(bucket, "swapped")?;
    swap(first, b"1").context("the first swap")?;
    let Err(CasError::CasFailed(again)) = swap(second, b"2") else { bail!("the second swap did not fail") };
    same("what the first left", again.current()?, Some(b"1".to_vec()))?;
    swap(again, b"2").context("the swap with the new handle")?;
    same("after all", bucket.get("swapped")?, Some(b"2".to_vec()))
}
