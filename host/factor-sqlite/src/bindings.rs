//! Generated from `wit/`: the types and traits of `spin:sqlite/sqlite@3.1.0`, which serves guests that import 3.0.0, too, and
//! of `fermyon:spin/sqlite@2.0.0`.
#![allow(missing_docs, reason = "generated code")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "imports",
    imports: {
        "spin:sqlite/sqlite.[method]connection.execute": async | trappable,
        "fermyon:spin/sqlite.[method]connection.execute": async | trappable,
        default: trappable,
    },
    with: {
        "spin:sqlite/sqlite.connection": crate::instance::Connection,
        "fermyon:spin/sqlite.connection": crate::instance::Connection,
    },
});
