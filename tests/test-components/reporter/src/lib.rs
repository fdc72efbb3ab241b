//! Tells what it sees of a request (any path that it does not know), and what it is let do.

#[cfg(target_arch = "wasm32")]
mod component {
    use spin_sdk::http::body::IncomingBodyExt;
    use spin_sdk::http::{EmptyBody, IntoResponse, Request, send};
    use spin_sdk::sqlite::Connection;

    #[spin_sdk::http_service]
    async fn handle(request: Request) -> impl IntoResponse {
        let argument = request.uri().query().unwrap_or_default().to_owned();
        let path =
            request.headers().get("spin-path-info").map_or("", |path| path.to_str().unwrap_or_default()).to_owned();
        match path.as_str() {
            "/env" => std::env::vars().map(|(name, value)| format!("{name}={value}\n")).collect(),
            "/say" => say(&argument),
            "/variable" => show(spin_sdk::variables::get(&argument).await),
            "/sqlite" => show(Connection::open(&argument).await.map(|_| "opened".to_owned())),
            "/fetch" => fetch(&argument).await,
            "/internal/tick" => say("tick"),
            _ => report(&request),
        }
    }

    /// Method and URL, then a line for each header.
    fn report(request: &Request) -> String {
        let headers = request.headers().iter();
        let headers = headers.map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
        format!("{} {}\n{}", request.method(), request.uri(), headers.collect::<String>())
    }

    fn say(line: &str) -> String {
        println!("{line}");
        eprintln!("{line}, to stderr");
        "said".to_owned()
    }

    /// Status and body of `url`, asked with headers that only the platform's own components may see, and one that only the host may set.
    async fn fetch(url: &str) -> String {
        let request = spin_sdk::http::Request::<()>::builder().uri(url);
        let request = request
            .header("kobliat-tenant", "acme")
            .header("kobliat-caller", "somebody-else")
            .header("x-mine", "1")
            .body(EmptyBody::new());
        let Ok(request) = request else { return "no URL".to_owned() };
        match send(request).await {
            Ok(response) => {
                let status = response.status().as_u16();
                let body = response.into_body().bytes().await.unwrap_or_default();
                format!("{status} {}", String::from_utf8_lossy(&body))
            }
            Err(error) => format!("error: {error:?}"),
        }
    }

    fn show<E: std::fmt::Debug>(result: Result<String, E>) -> String {
        result.unwrap_or_else(|error| format!("error: {error:?}"))
    }
}
