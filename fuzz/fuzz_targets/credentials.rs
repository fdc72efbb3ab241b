//! Any headers are read or refused, and a credential is never more than what was sent.
#![no_main]

use api_gateway::credentials::{self, Credential};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>)| {
    let (key, authorization, address) = input;
    let mut headers = HeaderMap::new();
    for (name, value) in [("x-api-key", &key), (AUTHORIZATION.as_str(), &authorization), ("spin-client-addr", &address)]
    {
        let value = value.as_deref().and_then(|bytes| HeaderValue::from_bytes(bytes).ok());
        headers.extend(value.map(|value| (name.parse::<http::HeaderName>().expect("a name"), value)));
    }
    let _ = credentials::source(&headers);
    let Ok(presented) = credentials::presented(&headers) else { panic!("each header is there once") };
    assert_eq!(presented.any, headers.contains_key("x-api-key") || headers.contains_key(AUTHORIZATION));
    assert!(presented.credentials.len() <= 2);
    for credential in presented.credentials {
        match credential {
            Credential::Secret(text) | Credential::Token(text) => {
                let sent = headers.values().any(|value| value.to_str().is_ok_and(|value| value.contains(&text)));
                assert!(sent && !text.is_empty());
            }
            Credential::Password { login, password } => {
                assert!(login.trim() == login && password.trim() == password && !login.contains(':'));
            }
        }
    }
});
