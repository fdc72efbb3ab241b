//! A component as SDK 5 makes it: serves by `wasi:http/incoming-handler@0.2.0`. `/variable`, `/store`, `/database` check an interface each:
//! 200, or 500 with what is wrong; `/fetch?url` asks by WASI 0.2.

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, reason = "the SDK's macro writes the component's exports in place")]
mod component {
    use anyhow::{Result, anyhow, ensure};
    use spin_sdk::http::{IntoResponse, Request, Response, send};
    use spin_sdk::http_component;
    use spin_sdk::key_value::Store;
    use spin_sdk::sqlite::{Connection, Value};
    use spin_sdk::variables;

    #[http_component]
    async fn handle(request: Request) -> impl IntoResponse {
        let path = request.header("spin-path-info").and_then(|path| path.as_str()).unwrap_or_default().to_owned();
        let checked = match path.as_str() {
            "/variable" => check_variable(),
            "/store" => check_store(),
            "/database" => check_database(),
            "/fetch" => fetch(request.query()).await,
            _ => Err(anyhow!("no such check: {path}")),
        };
        match checked {
            Ok(answer) => Response::new(200, answer),
            Err(wrong) => Response::new(500, format!("{wrong:#}")),
        }
    }

    fn check_variable() -> Result<String> {
        let greeting = variables::get("greeting")?;
        ensure!(greeting == "hello, world", "{greeting}");
        ensure!(variables::get("unheard_of").is_err());
        Ok("ok".to_owned())
    }

    fn check_store() -> Result<String> {
        let store = Store::open_default()?;
        store.set("key", b"value")?;
        ensure!(store.get("key")? == Some(b"value".to_vec()));
        ensure!(store.exists("key")? && store.get_keys()? == ["key"]);
        store.delete("key")?;
        ensure!(store.get("key")?.is_none());
        ensure!(Store::open("unheard-of").is_err());
        Ok("ok".to_owned())
    }

    fn check_database() -> Result<String> {
        let connection = Connection::open_default()?;
        connection.execute("CREATE TABLE IF NOT EXISTS t (a, b)", &[])?;
        connection.execute("INSERT INTO t VALUES (?, ?)", &[Value::Integer(7), Value::Text("é".to_owned())])?;
        let result = connection.execute("SELECT a, b FROM t", &[])?;
        ensure!(result.columns == ["a", "b"], "{:?}", result.columns);
        let row = result.rows().next().ok_or_else(|| anyhow!("no row"))?;
        ensure!(row.get::<i64>("a") == Some(7) && row.get::<&str>("b") == Some("é"));
        Ok("ok".to_owned())
    }

    async fn fetch(url: &str) -> Result<String> {
        let response: Response = send(Request::get(url)).await?;
        Ok(format!("{} {}", response.status(), String::from_utf8_lossy(response.body())))
    }
}
