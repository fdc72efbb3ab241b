//! A layer in front of other components: passes the request on, and leaves its name in the answer.

#[cfg(target_arch = "wasm32")]
mod component {
    use spin_sdk::http::{Error, HeaderValue, Request, Response};

    /// The tests put another name of the same length in its place, to have layers that can be told apart.
    static NAME: &str = "layer-0";

    #[spin_sdk::http_service]
    async fn handle(request: Request) -> Result<Response, Error> {
        let mut response = spin_sdk::http::next(request).await?;
        response.headers_mut().append("x-layer", HeaderValue::from_static(NAME));
        Ok(response)
    }
}
