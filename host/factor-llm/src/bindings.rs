//! Generated from `wit/`.
#![allow(missing_docs, reason = "generated code")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "imports",
    imports: { default: trappable },
});
