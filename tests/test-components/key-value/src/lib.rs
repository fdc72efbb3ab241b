//! Checks each interface to key-value stores from inside: `/spin-v3`, `/spin-v2`, `/wasi`; answers 200, or 500 with what is wrong.
//! `/open?label`, `/get?key` and `/set?key=value` are for tests that look from outside.

#[cfg(target_arch = "wasm32")]
mod component {
    use anyhow::{Result, anyhow, ensure};
    use spin_sdk::http::{IntoResponse, Request, StatusCode};
    use spin_sdk::key_value::Store;

    mod spin_v2;
    mod spin_v3;
    mod wasi_draft;

    wit_bindgen::generate!({ path: "../../../host/factor-key-value/wit", world: "imports", generate_all });

    #[spin_sdk::http_service]
    async fn handle(request: Request) -> impl IntoResponse {
        let argument = request.uri().query().unwrap_or_default().to_owned();
        let path = request.headers().get("spin-path-info").map_or("", |path| path.to_str().unwrap_or_default());
        match run(path, &argument).await {
            Ok(answer) => (StatusCode::OK, answer),
            Err(wrong) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{wrong:#}")),
        }
    }

    async fn run(path: &str, argument: &str) -> Result<String> {
        match path {
            "/spin-v3" => spin_v3::check().await.map(done),
            "/spin-v2" => spin_v2::check().map(done),
            "/wasi" => wasi_draft::check().map(done),
            "/open" => Ok(format!("{:?}", Store::open(argument).await.map(drop))),
            "/get" => {
                let value = Store::open_default().await?.get(argument).await?;
                Ok(value.map_or("nothing".to_owned(), |value| String::from_utf8_lossy(&value).into_owned()))
            }
            "/set" => {
                let (key, value) = argument.split_once('=').ok_or_else(|| anyhow!("key=value, please"))?;
                Store::open_default().await?.set(key, value).await.map(done).map_err(Into::into)
            }
            _ => Err(anyhow!("no such check: {path}")),
        }
    }

    fn done((): ()) -> String {
        "ok".to_owned()
    }

    /// An equation that says what it was about.
    fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: T, should: T) -> Result<()> {
        ensure!(is == should, "{what}: {is:?} instead of {should:?}");
        Ok(())
    }
}
