//! Publishes what it is told, records the events that it gets, and fails as the event says.
//!
//! An event's data may hold `answer` (the status to fail with; 0 traps, 1 hangs), `times` (how many attempts fail; else all, until `/test/heal`) and
//! `retry_after`.

#[cfg(target_arch = "wasm32")]
mod component {
    use bytes::Bytes;
    use serde_json::Value as Json;
    use spin_sdk::http::body::IncomingBodyExt;
    use spin_sdk::http::{FullBody, HeaderMap, HeaderName, IntoResponse, Request, Response, StatusCode, send};
    use spin_sdk::sqlite::{Connection, Value};

    const EVENTS: &str = "http://events.kobliat.internal/";

    #[spin_sdk::http_service]
    async fn handle(request: Request) -> impl IntoResponse {
        // The whole path: what is behind a public route's wildcard may look like anything.
        let path = request.uri().path().to_owned();
        match path.strip_prefix("/other").unwrap_or(&path) {
            "/events" => event(request).await,
            "/test/publish" => publish(request).await,
            "/test/seen" => seen("SELECT line FROM seen ORDER BY n").await,
            "/test/effects" => seen("SELECT line FROM effects ORDER BY n").await,
            "/test/heal" => {
                run("INSERT OR IGNORE INTO healed VALUES (1)", []).await;
                answer(200, "healed")
            }
            _ => answer(404, "no such path"),
        }
    }

    /// Passes a publication on, with its own headers, and answers with the broker's answer.
    async fn publish(request: Request) -> Response<FullBody<Bytes>> {
        let (head, body) = request.into_parts();
        let mut onward = spin_sdk::http::Request::<()>::builder().method(head.method).uri(EVENTS);
        for (name, value) in &head.headers {
            if name == "content-type" || name.as_str().starts_with("ce-") {
                onward = onward.header(name, value);
            }
        }
        let body = body.bytes().await.unwrap_or_default();
        match send(onward.body(FullBody::new(body)).expect("a request")).await {
            Ok(response) => {
                let retry = response.headers().get("retry-after").cloned();
                let status = response.status().as_u16();
                let mut told = answer(status, response.into_body().bytes().await.unwrap_or_default());
                told.headers_mut().extend(retry.map(|value| (HeaderName::from_static("retry-after"), value)));
                told
            }
            Err(error) => answer(599, format!("{error:?}")),
        }
    }

    /// Each attempt is a line in `seen`; the effect of an event happens once, whatever happens to the answer.
    async fn event(request: Request) -> Response<FullBody<Bytes>> {
        let (head, body) = request.into_parts();
        let headers = head.headers;
        let [id, key, attempt] =
            ["ce-id", "ce-partitionkey", "kobliat-attempt"].map(|name| header(&headers, name).to_owned());
        let all: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value.as_bytes())))
            .collect();
        let body = body.bytes().await.unwrap_or_default();
        let data: Json = serde_json::from_slice(&body).unwrap_or_default();
        let line = if data["show"] == true {
            format!("{} {}", all.join(" "), String::from_utf8_lossy(&body))
        } else {
            format!("{id} {key} {attempt}")
        };
        run("CREATE TABLE IF NOT EXISTS seen (n INTEGER PRIMARY KEY, line TEXT)", []).await;
        run("INSERT INTO seen (line) VALUES (?)", [Value::Text(line)]).await;
        if let Some(failure) = failure(&data, &attempt).await {
            return failure;
        }
        run("CREATE TABLE IF NOT EXISTS effects (n INTEGER PRIMARY KEY, id TEXT UNIQUE, line TEXT)", []).await;
        run(
            "INSERT INTO effects (id, line) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [Value::Text(id.clone()), Value::Text(format!("{id} {key}"))],
        )
        .await;
        answer(204, "")
    }

    async fn failure(data: &Json, attempt: &str) -> Option<Response<FullBody<Bytes>>> {
        let status = data["answer"].as_u64()?;
        let attempt: u64 = attempt.parse().unwrap_or(1);
        if data["times"].as_u64().is_some_and(|times| attempt > times) || is_healed().await {
            return None;
        }
        match status {
            0 => panic!("as the event says"),
            1 => loop {
                spin_sdk::time::sleep(std::time::Duration::from_secs(3600)).await;
            },
            _ => {}
        }
        let mut failure = answer(u16::try_from(status).unwrap_or(500), "{\"detail\":\"as the event says\"}");
        if let Some(seconds) = data["retry_after"].as_u64() {
            failure.headers_mut().insert("retry-after", seconds.into());
        }
        Some(failure)
    }

    async fn is_healed() -> bool {
        run("CREATE TABLE IF NOT EXISTS healed (yes INTEGER PRIMARY KEY)", []).await;
        !run("SELECT yes FROM healed", []).await.is_empty()
    }

    async fn seen(select: &str) -> Response<FullBody<Bytes>> {
        for table in
            ["seen (n INTEGER PRIMARY KEY, line TEXT)", "effects (n INTEGER PRIMARY KEY, id TEXT UNIQUE, line TEXT)"]
        {
            run(&format!("CREATE TABLE IF NOT EXISTS {table}"), []).await;
        }
        answer(200, run(select, []).await.join("\n"))
    }

    /// The first column of what it finds.
    async fn run<const N: usize>(sql: &str, values: [Value; N]) -> Vec<String> {
        let label = std::env::var("LABEL").unwrap_or_else(|_| "default".to_owned());
        let connection = Connection::open(label).await.expect("a database");
        let rows =
            connection.execute(sql, values).await.expect("a statement that works").collect().await.expect("rows");
        rows.iter()
            .map(|row| match row.values.first() {
                Some(Value::Text(text)) => text.clone(),
                other => format!("{other:?}"),
            })
            .collect()
    }

    fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
        headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn answer(status: u16, body: impl Into<Bytes>) -> Response<FullBody<Bytes>> {
        let mut response = Response::new(FullBody::new(body.into()));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response
    }
}
