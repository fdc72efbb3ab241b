//! A token that was made up is nobody's; one that was signed is what was signed, and any change of it is nobody's either.
#![no_main]

use api_gateway::jwt::Token;
use api_gateway::jwt::claims;
use api_gateway::jwt::jwk::Key;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// RFC 7515, A.1.1: everybody knows it, but no fuzzer makes an HMAC with it by chance. RFC 8037, A.2.
fn keys() -> Vec<Key> {
    let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    let jwks = json!({ "keys": [
        { "kty": "oct", "k": secret },
        { "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
    ] });
    Key::from_jwks(&jwks)
}

fuzz_target!(|input: (String, Vec<u8>, Vec<u8>, Vec<u8>)| {
    let (text, header, payload, signature) = input;
    let made = [header.as_slice(), &payload, &signature].map(|part| BASE64.encode(part)).join(".");
    for text in [text.as_str(), &made] {
        let Some(token) = Token::parse(text) else { continue };
        assert_eq!(text.bytes().filter(|byte| *byte == b'.').count(), 2);
        let _ = token.claimed_issuer();
        assert!(token.verify(&keys()).is_none(), "{text} was made up");
        assert!(token.verify(&[]).is_none());
    }
    if let Ok(members) = serde_json::from_slice::<serde_json::Map<_, _>>(&payload) {
        let _ = claims::scopes(&members, "scope");
        if claims::hold(&members, "https://id.example.com", "kobliat", 1_767_225_600_000_000) {
            assert_eq!(claims::text(&members, "iss"), Some("https://id.example.com"));
            assert!(members.contains_key("exp"));
        }
    }
    if let Ok(jwk) = serde_json::from_slice(&header) {
        let _ = (Key::from_jwk(&jwk), Key::from_jwks(&jwk));
    }
});
