//! A component as SDK 6 makes it: serves by `wasi:http/handler@0.3.0-rc-2026-03-15`. It answers with its path, a variable, and what its store
//! has under a key.

#[cfg(target_arch = "wasm32")]
mod component {
    use spin_sdk::http::{IntoResponse, Request, StatusCode};
    use spin_sdk::http_service;
    use spin_sdk::key_value::Store;
    use spin_sdk::variables;

    #[http_service]
    async fn handle(request: Request) -> impl IntoResponse {
        match answer(request.uri().path()).await {
            Ok(answer) => (StatusCode::OK, answer),
            Err(wrong) => (StatusCode::INTERNAL_SERVER_ERROR, wrong),
        }
    }

    async fn answer(path: &str) -> Result<String, String> {
        let greeting = variables::get("greeting").await.map_err(|error| format!("{error:?}"))?;
        let store = Store::open_default().await.map_err(|error| format!("{error:?}"))?;
        store.set("path", path.as_bytes()).await.map_err(|error| format!("{error:?}"))?;
        let kept = store.get("path").await.map_err(|error| format!("{error:?}"))?.unwrap_or_default();
        Ok(format!("{greeting} from {}", String::from_utf8_lossy(&kept)))
    }
}
