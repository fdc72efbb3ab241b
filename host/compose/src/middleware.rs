//! Middleware: components in front of another, each of which sees a request before the next and its answer after.

use crate::graph::{Composer, world};
use crate::{ComposeError, Dependency};

/// What a middleware imports, to pass requests on, and exports, to be called: only WASI 0.3 has one interface for both.
const HANDLER: &str = "wasi:http/handler@0.3.0";

/// One layer, with the name by which errors call it.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    pub what: &'a str,
    pub bytes: &'a [u8],
}

/// The component `id` behind its layers, outermost first. It still exports whatever else it exported.
pub fn wrap(id: &str, component: Vec<u8>, layers: &[Layer<'_>]) -> Result<Vec<u8>, ComposeError> {
    let mut wrapped = component;
    for layer in layers.iter().rev() {
        check(id, &wrapped, layer)?;
        let inner = Dependency { key: HANDLER, export: None, bytes: &wrapped };
        wrapped = Composer::new(layer.what, layer.bytes)?.wrap(&inner)?;
    }
    Ok(wrapped)
}

fn check(id: &str, inner: &[u8], layer: &Layer<'_>) -> Result<(), ComposeError> {
    let refuse = |reason: String| ComposeError::Middleware { what: layer.what.to_owned(), reason };
    let outer = world(layer.what, layer.bytes)?;
    let has = |names: &[String]| names.iter().any(|name| name == HANDLER);
    if !has(&outer.imports) || !has(&outer.exports) {
        return Err(refuse(format!(
            "it does not import and export `{HANDLER}`, by which middleware gets requests and passes them on"
        )));
    }
    if !has(&world(&format!("component `{id}`"), inner)?.exports) {
        return Err(refuse(format!(
            "component `{id}` behind it does not export `{HANDLER}`; build it with spin-sdk 7"
        )));
    }
    Ok(())
}
