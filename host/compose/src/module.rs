//! Core modules: components of a time when compilers made only modules, turned into components as they are loaded.
//!
//! What they import of WASI preview 1 is answered by wasmtime's adapter, which goes into the component with them.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::ComponentEncoder;

use crate::ComposeError;

/// Begins a core module: the magic number and version 1. A component has version 13 in layer 1.
const CORE_MODULE: &[u8] = b"\0asm\x01\0\0\0";

/// What a command exports instead of functions of its interfaces.
const START: &str = "_start";

/// Whether these bytes are a core module and no component.
pub fn is_module(wasm: &[u8]) -> bool {
    wasm.starts_with(CORE_MODULE)
}

/// The module as a component of the world that its bindings embedded in it. `what` names it in the error.
pub fn componentize(what: &str, module: &[u8]) -> Result<Vec<u8>, ComposeError> {
    let encode = || {
        let adapter = if exports_start(module)? {
            WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER
        } else {
            WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER
        };
        ComponentEncoder::default()
            .validate(true)
            .module(module)?
            .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter)?
            .encode()
    };
    encode().map_err(|error| ComposeError::Module { what: what.to_owned(), reason: format!("{error:#}") })
}

fn exports_start(module: &[u8]) -> wasmparser::Result<bool> {
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        if let wasmparser::Payload::ExportSection(exports) = payload? {
            for export in exports {
                if export?.name == START {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}
