//! Generated from wit/; the context record is the SDK's, so that one type serves HTTP and typed calls.

wit_bindgen::generate!({
    path: ["../../wit/context", "../../wit/media"],
    world: "kobliat:media/service",
    with: { "kobliat:context/types@0.1.0": sdk::context },
    generate_all,
});
