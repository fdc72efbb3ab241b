//! `fermyon:spin/key-value@2.0.0`, as SDK 5 calls it.

use super::fermyon::spin::key_value::{Error, Store};
use super::same;
use anyhow::Result;

pub fn check() -> Result<()> {
    let store = Store::open("v2")?;
    same("a missing key", store.get("missing")?, None)?;
    store.set("bytes", &[0, 255, 7])?;
    same("a value", store.get("bytes")?, Some(vec![0, 255, 7]))?;
    same("exists", (store.exists("bytes")?, store.exists("missing")?), (true, false))?;
    store.set("another", &[])?;
    same("the keys", store.get_keys()?, vec!["another".to_owned(), "bytes".to_owned()])?;
    store.delete("bytes")?;
    store.delete("bytes")?;
    same("a deleted key", store.exists("bytes")?, false)?;
    same("a label that is not configured", matches!(Store::open("nowhere"), Err(Error::NoSuchStore)), true)?;
    same("another's label", matches!(Store::open("others"), Err(Error::AccessDenied)), true)
}
