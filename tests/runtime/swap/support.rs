//! Versions of the test component, and the admin surface of the host under test.

use http::Method;
use kobliat_admin::{Client, ClientError};
use serde_json::Value;

use crate::support::guests;
use crate::support::host::Host;

/// The component with this number and behaviour.
pub fn version(number: u32, behaviour: &str) -> Vec<u8> {
    let mut wasm = std::fs::read(guests::folder().join("versioned.wasm")).unwrap();
    let mark = format!("mark:{number:04}:{behaviour}");
    let old = b"mark:0001:good";
    let at = wasm.windows(old.len()).position(|window| window == old).unwrap();
    wasm[at..at + old.len()].copy_from_slice(mark.as_bytes());
    wasm
}

pub fn admin(host: &Host) -> Client {
    Client::in_state_dir(host.runtime.state_dir())
}

pub async fn post(host: &Host, path: &str, body: Vec<u8>) -> Result<Value, String> {
    answer(admin(host).request(Method::POST, path, body.into()).await)
}

/// Gives the component `versioned` this version.
pub async fn swap(host: &Host, wasm: Vec<u8>) -> Result<Value, String> {
    post(host, "/components/versioned/swap", wasm).await
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
