//! A component in as many versions as a test needs: what it does is in a mark that the test writes into the binary.
//!
//! The mark is `mark:NNNN:behaviour`; `NNNN` is what requests and calls are answered with.

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "the generated exports speak the canonical ABI")]
mod component {
    use std::hint::black_box;
    use std::time::Duration;

    use spin_sdk::http::{IntoResponse, Request, StatusCode};
    use spin_sdk::sqlite::Connection;

    wit_bindgen::generate!({ path: ["../../../wit/context", "../callee/wit"], world: "kobliat:link-test/callee", generate_all });
    use exports::kobliat::link_test::calls::{Action, Context, Error, Guest};

    /// Of a fixed length, so that another can be written over it. Behaviours: `good`, `fail` (500, and `other` for calls),
    /// `trap`, `sick` (its health is), `migr` (writes to its database before it answers, its health included).
    static MARK: &[u8; 14] = b"mark:0001:good";

    fn mark() -> &'static str {
        std::str::from_utf8(black_box(MARK)).unwrap_or_default()
    }

    fn version() -> String {
        mark().split(':').nth(1).unwrap_or_default().to_owned()
    }

    fn behaviour() -> &'static str {
        mark().split(':').nth(2).unwrap_or_default()
    }

    #[spin_sdk::http_service]
    async fn handle(request: Request) -> impl IntoResponse {
        let path = request.uri().path().to_owned();
        if behaviour() == "migr"
            && let Err(error) = migrate().await
        {
            return (StatusCode::INTERNAL_SERVER_ERROR, error);
        }
        if path.ends_with("/health") {
            let sick = behaviour() == "sick";
            return (if sick { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK }, version());
        }
        match behaviour() {
            _ if path.ends_with("/trap") => panic!("as I was told"),
            "trap" => panic!("as I am marked"),
            "fail" => return (StatusCode::INTERNAL_SERVER_ERROR, version()),
            _ => {}
        }
        if let Some(ms) = request.uri().query().and_then(|query| query.parse().ok()) {
            spin_sdk::time::sleep(Duration::from_millis(ms)).await;
        }
        (StatusCode::OK, version())
    }

    async fn migrate() -> Result<(), String> {
        let connection = Connection::open_default().await.map_err(|error| error.to_string())?;
        let made = connection.execute("CREATE TABLE IF NOT EXISTS made (by TEXT)", []).await;
        made.map(drop).map_err(|error| error.to_string())
    }

    struct Versioned;
    export!(Versioned);

    impl Guest for Versioned {
        /// Whatever is asked, the answer is the version; `sleep` waits before.
        async fn perform(_context: Context, action: Action) -> Result<String, Error> {
            match (behaviour(), action) {
                ("trap", _) => panic!("as I am marked"),
                ("fail", _) => return Err(Error::Other(version())),
                (_, Action::Sleep(ms)) => spin_sdk::time::sleep(Duration::from_millis(u64::from(ms))).await,
                _ => {}
            }
            Ok(version())
        }
    }
}
