//! Generated from `wit/`: the typed interfaces that the gateway calls. Nobody edits what comes out of here.

wit_bindgen::generate!({
    inline: "
        package kobliat:api-gateway@0.1.0;
        world gateway {
            import kobliat:customers/customers@0.1.0;
            import kobliat:conversations/conversations@0.1.0;
            import kobliat:messages/messages@0.1.0;
            import kobliat:media/media@0.1.0;
        }
    ",
    world: "kobliat:api-gateway/gateway@0.1.0",
    path: ["../../wit/context", "../../wit/customers", "../../wit/conversations", "../../wit/messages", "../../wit/media"],
    with: { "kobliat:context/types@0.1.0/context": sdk::Context },
    generate_all,
});
