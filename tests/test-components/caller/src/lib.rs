//! Turns requests into typed calls of the test interface (`/echo?text`, `/relay?3`, …), and passes calls of it on.
//!
//! A call that fails is told by the status: 502 for `unavailable`, 500 for any other error.

#[cfg(target_arch = "wasm32")]
#[expect(unsafe_code, reason = "the generated exports speak the canonical ABI")]
mod component {
    use futures::future::join_all;
    use spin_sdk::http::{IntoResponse, Request, StatusCode};

    wit_bindgen::generate!({
        path: ["../../../wit/context", "../callee/wit"],
        world: "kobliat:link-test/caller",
        generate_all,
    });
    use exports::kobliat::link_test::calls::{self as exported, Guest};
    use kobliat::context::types::Context;
    use kobliat::link_test::calls::{Action, Error, perform};

    #[spin_sdk::http_service]
    async fn handle(request: Request) -> impl IntoResponse {
        let path =
            request.headers().get("spin-path-info").map_or("", |path| path.to_str().unwrap_or_default()).to_owned();
        let argument = request.uri().query().unwrap_or_default().to_owned();
        let number = argument.parse().unwrap_or_default();
        match path.as_str() {
            "/echo" => answer(call(0, Action::Echo(argument)).await),
            "/relay" => answer(call(0, Action::Relay(number)).await),
            "/deadline" => answer(call(number, Action::Deadline).await),
            "/sleep" => answer(call(0, Action::Sleep(number)).await),
            "/impatient" => answer(call(number, Action::Sleep(60_000)).await),
            "/trap" => answer(call(0, Action::Trap).await),
            "/compute" => answer(call(0, Action::Compute).await),
            "/hoard" => answer(call(0, Action::Hoard).await),
            "/many" => answer(many(number).await),
            "/forgetful" => answer(forget_a_call(number).await),
            "/ok" => answer(Ok("ok".to_owned())),
            _ => (StatusCode::NOT_FOUND, path),
        }
    }

    async fn call(deadline_ms: u32, action: Action) -> Result<String, Error> {
        perform(context(deadline_ms), action).await
    }

    /// So many calls at once, which all answer their own number.
    async fn many(count: u32) -> Result<String, Error> {
        let answers = join_all((0..count).map(|number| call(0, Action::Echo(number.to_string())))).await;
        let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
        let right = answers.iter().enumerate().filter(|(number, answer)| number.to_string() == **answer).count();
        Ok(right.to_string())
    }

    /// Starts a long call and answers without waiting for it.
    async fn forget_a_call(ms: u32) -> Result<String, Error> {
        let mut forgotten = Box::pin(call(0, Action::Sleep(ms)));
        let first_poll = futures::poll!(forgotten.as_mut());
        drop(forgotten);
        Ok(if first_poll.is_pending() { "forgotten" } else { "answered at once" }.to_owned())
    }

    fn context(deadline_ms: u32) -> Context {
        Context {
            tenant: "default".to_owned(),
            principal: "component:caller".to_owned(),
            scopes: Vec::new(),
            request_id: "test".to_owned(),
            traceparent: String::new(),
            deadline_ms,
            idempotency_key: String::new(),
            extensions: Vec::new(),
        }
    }

    fn answer(answer: Result<String, Error>) -> (StatusCode, String) {
        match answer {
            Ok(text) => (StatusCode::OK, text),
            Err(Error::Unavailable(reason)) => (StatusCode::BAD_GATEWAY, reason),
            Err(Error::Other(reason)) => (StatusCode::INTERNAL_SERVER_ERROR, reason),
        }
    }

    struct Caller;
    export!(Caller);

    impl Guest for Caller {
        async fn perform(context: Context, action: exported::Action) -> Result<String, exported::Error> {
            let answer = match action {
                exported::Action::Relay(0) => Ok("0".to_owned()),
                exported::Action::Relay(hops) => {
                    let answer = perform(context, Action::Relay(hops - 1)).await;
                    answer.map(|passed| (passed.parse::<u32>().unwrap_or_default() + 1).to_string())
                }
                exported::Action::Echo(text) => perform(context, Action::Echo(text)).await,
                _ => Err(Error::Other("passes only `echo` and `relay` on".to_owned())),
            };
            answer.map_err(|error| match error {
                Error::Unavailable(reason) => exported::Error::Unavailable(reason),
                Error::Other(reason) => exported::Error::Other(reason),
            })
        }
    }
}
