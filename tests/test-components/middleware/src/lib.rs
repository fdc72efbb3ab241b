//! A layer in front of other components: passes the request on, and leaves its name in the answer. At `/layer` it says what it may use itself.

#[cfg(target_arch = "wasm32")]
mod component {
    use spin_sdk::http::{Error, HeaderValue, IntoResponse, Request};
    use spin_sdk::{sqlite, variables};

    /// The tests put another name of the same length in its place, to have layers that can be told apart.
    static NAME: &str = "layer-0";

    #[spin_sdk::http_service]
    async fn handle(request: Request) -> Result<impl IntoResponse, Error> {
        if request.headers().get("spin-path-info").is_some_and(|path| path == "/layer") {
            return Ok(report().await.into_response()?);
        }
        let mut response = spin_sdk::http::next(request).await?;
        response.headers_mut().append("x-layer", HeaderValue::from_static(NAME));
        Ok(response.into_response()?)
    }

    async fn report() -> String {
        let opened = sqlite::Connection::open("default").await.map(drop);
        let variable = variables::get("greeting").await;
        format!("sqlite: {opened:?}\nvariable: {variable:?}\nenvironment: {}\n", std::env::vars().count())
    }
}
