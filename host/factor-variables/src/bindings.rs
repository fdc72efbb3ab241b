//! Generated: the imports of both versions of the interface.
#![allow(missing_docs, reason = "generated from wit/")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "imports",
    imports: { default: trappable },
});
