//! The service: exports the interface `greeter`.

mod bindings {
    wit_bindgen::generate!({ path: "../wit", world: "service", generate_all });
}

use bindings::exports::{{ident}}::greeter::greeter::{Error, Guest};

struct Service;
bindings::export!(Service with_types_in bindings);

impl Guest for Service {
    async fn greet(name: String) -> Result<String, Error> {
        if name.is_empty() {
            return Err(Error::Nobody);
        }
        Ok(format!("Hello, {name}!"))
    }
}
