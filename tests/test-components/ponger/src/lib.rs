//! Answers what it is given, by typed call and by HTTP: the other end of `pinger`.

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "the generated exports speak the canonical ABI")]
mod component {
    use spin_sdk::http::{IntoResponse, Request};

    wit_bindgen::generate!({ path: ["../../../wit/context", "wit"], world: "kobliat:pong/ponger", generate_all });
    use exports::kobliat::pong::pong::{Context, Error, Guest};

    struct Ponger;
    export!(Ponger);

    impl Guest for Ponger {
        async fn echo(_context: Context, text: String) -> Result<String, Error> {
            Ok(text)
        }
    }

    #[spin_sdk::http_service]
    async fn handle(request: Request) -> impl IntoResponse {
        request.uri().query().unwrap_or_default().to_owned()
    }
}
