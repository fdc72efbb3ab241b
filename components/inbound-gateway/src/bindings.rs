//! Generated: the typed interfaces that the gateway calls. Nobody edits what is in here.
#![allow(clippy::all, clippy::unwrap_used, clippy::indexing_slicing, reason = "generated code is not ours to write")]

wit_bindgen::generate!({
    inline: "
        package kobliat:inbound-gateway@0.1.0;
        world gateway {
          import kobliat:customers/customers@0.1.0;
          import kobliat:conversations/conversations@0.1.0;
          import kobliat:messages/messages@0.1.0;
          import kobliat:media/media@0.1.0;
        }
    ",
    path: ["../../wit/context", "../../wit/customers", "../../wit/conversations", "../../wit/messages", "../../wit/media"],
    with: { "kobliat:context/types@0.1.0": sdk::context },
    generate_all,
});
