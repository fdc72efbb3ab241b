//! Checks from inside the synchronous interfaces that SDK 5 and other languages import: `/variables`, `/config`, `/sqlite`,
//! `/llm`; answers 200, or 500 with what is wrong.

#[cfg(target_arch = "wasm32")]
mod component {
    use anyhow::{Result, anyhow, ensure};
    use spin_sdk::http::{IntoResponse, Request, StatusCode};

    wit_bindgen::generate!({ path: "wit", world: "test:legacy/component", generate_all });
    use fermyon::spin::llm::{self, infer};
    use fermyon::spin::sqlite::{Connection, Error as SqliteError, Value};
    use fermyon::spin::variables::{self, get};
    use wasi::config::store;

    #[spin_sdk::http_service]
    async fn handle(request: Request) -> impl IntoResponse {
        let path = request.headers().get("spin-path-info").map_or("", |path| path.to_str().unwrap_or_default());
        let checked = match path {
            "/variables" => check_variables(),
            "/config" => check_config(),
            "/sqlite" => check_sqlite(),
            "/llm" => check_llm(),
            _ => Err(anyhow!("no such check: {path}")),
        };
        match checked {
            Ok(()) => (StatusCode::OK, "ok".to_owned()),
            Err(wrong) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{wrong:#}")),
        }
    }

    fn check_variables() -> Result<()> {
        ensure!(get("greeting")? == "hello, world");
        ensure!(matches!(get("unheard_of"), Err(variables::Error::Undefined(_))));
        ensure!(matches!(get("Not A Name"), Err(variables::Error::InvalidName(_))));
        Ok(())
    }

    fn check_config() -> Result<()> {
        ensure!(store::get("greeting")? == Some("hello, world".to_owned()));
        ensure!(store::get("unheard_of")?.is_none());
        ensure!(store::get("Not A Name").is_err());
        let all = store::get_all()?;
        ensure!(all == [("greeting".to_owned(), "hello, world".to_owned())], "{all:?}");
        Ok(())
    }

    fn check_sqlite() -> Result<()> {
        let connection = Connection::open("default")?;
        connection.execute("CREATE TABLE t (a, b, c, d, e)", &[])?;
        let values =
            [Value::Integer(-7), Value::Real(1.5), Value::Text("é".to_owned()), Value::Blob(vec![0, 255]), Value::Null];
        connection.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?)", &values)?;
        let result = connection.execute("SELECT * FROM t", &[])?;
        ensure!(result.columns == ["a", "b", "c", "d", "e"]);
        ensure!(format!("{:?}", result.rows[0].values) == format!("{values:?}"), "{:?}", result.rows);
        ensure!(matches!(connection.execute("SELEKT", &[]), Err(SqliteError::Io(_))));
        ensure!(matches!(Connection::open("unheard-of"), Err(SqliteError::NoSuchDatabase)));
        Ok(())
    }

    fn check_llm() -> Result<()> {
        let listed = infer("llama2-chat", "Hello?", None);
        ensure!(matches!(&listed, Err(llm::Error::RuntimeError(reason)) if reason.contains("no models")), "{listed:?}");
        let unlisted = llm::generate_embeddings("all-minilm", &["Hello".to_owned()]);
        ensure!(
            matches!(&unlisted, Err(llm::Error::RuntimeError(reason)) if reason.contains("add \"all-minilm\" to ai_models")),
            "{unlisted:?}"
        );
        Ok(())
    }
}
