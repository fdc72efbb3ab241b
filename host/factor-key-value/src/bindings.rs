//! Generated from `wit/`: three interfaces to the same stores.
#![allow(missing_docs, reason = "generated code")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "imports",
    imports: { default: async | trappable },
    with: {
        "spin:key-value/key-value.store": crate::instance::Handle,
        "fermyon:spin/key-value.store": crate::instance::Handle,
        "wasi:keyvalue/store.bucket": crate::instance::Handle,
        "wasi:keyvalue/atomics.cas": crate::instance::Cas,
    },
});
