//! Versions of the test component, and the admin surface of the host under test.

use http::Method;
use kobliat_admin::{Client, ClientError};
use serde_json::Value;

use crate::support::host::Host;

pub fn admin(host: &Host) -> Client {
    Client::in_state_dir(host.runtime.state_dir())
}

pub async fn post(host: &Host, path: &str, body: Vec<u8>) -> Result<Value, String> {
    answer(admin(host).request(Method::POST, path, body.into()).await)
}

pub async fn get(host: &Host, path: &str) -> Value {
    answer(admin(host).get(path).await).unwrap()
}

/// The sentence of a refusal.
fn answer(answer: Result<Value, ClientError>) -> Result<Value, String> {
    match answer {
        Ok(value) => Ok(value),
        Err(ClientError::Refused(problem)) => Err(problem.detail),
        Err(other) => panic!("{other}"),
    }
}
