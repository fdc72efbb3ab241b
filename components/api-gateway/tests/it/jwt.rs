//! JSON Web Tokens: the RFCs' own examples, and every confusion that must not open the door.

use api_gateway::jwt::Token;
use api_gateway::jwt::jwk::Key;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, Mac};
use http::Request;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::app::{Answer, TestApp};
use crate::world::NOW;

const ISSUER: &str = "https://id.example.com/";
const SECRET: &[u8] = b"a secret of more than thirty-two bytes";

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn hs256(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let signed = format!("{}.{}", part(header), part(claims));
    let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap().chain_update(&signed).finalize();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(mac.into_bytes()))
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": "kobliat", "sub": "ada", "exp": NOW / 1_000_000 + 60, "scope": "customers:read *" })
}

fn app() -> TestApp {
    let app = TestApp::new();
    let key = json!({ "kty": "oct", "kid": "k1", "k": URL_SAFE_NO_PAD.encode(SECRET) });
    let issuers = json!([{ "issuer": ISSUER, "audience": "kobliat", "tenant": "default", "keys": [key] }]);
    app.world.variables.borrow_mut().insert("jwt_issuers", issuers.to_string());
    app
}

fn ask(app: &TestApp, token: &str) -> Answer {
    let request = Request::get("/api/v1/customers").header("authorization", format!("Bearer {token}"));
    app.world.now.set(app.world.now.get() + 1); // nothing is remembered of another token
    app.send(request.body("").unwrap())
}

/// RFC 7515, A.1 to A.3, and RFC 8037, A.4.
#[test]
fn the_examples_of_the_rfcs_verify() {
    let a1 = json!({ "kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow" });
    let a1_token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let a2 = json!({ "kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" });
    let a2_token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    let a3 = json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" });
    let a3_token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    for (jwk, token) in [(&a1, a1_token), (&a2, a2_token), (&a3, a3_token)] {
        let claims = Token::parse(token).unwrap().verify(&[Key::from_jwk(jwk).unwrap()]).expect("it verifies");
        assert_eq!((&claims["iss"], &claims["exp"]), (&json!("joe"), &json!(1_300_819_380)));
    }
    // This one signs words, which are no claims: that it verifies shows in what is refused only afterwards.
    let ed = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let token = Token::parse(&format!("{signed}.{signature}")).map(|token| token.payload().to_vec()).unwrap();
    assert_eq!(token, b"Example of Ed25519 signing");
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(Key::from_jwk(&ed).unwrap().verifies(signed, &bytes));
    assert!(!Key::from_jwk(&ed).unwrap().verifies(&signed.replace("RXho", "RXhp"), &bytes) || !signed.contains("RXho"));
}

#[test]
fn a_changed_token_verifies_nowhere() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    let jwk = Key::from_jwk(&json!({ "kty": "OKP", "crv": "Ed25519", "x": x })).unwrap();
    let signed = format!("{}.{}", part(&json!({ "alg": "EdDSA" })), part(&claims()));
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).to_bytes());
    assert!(Token::parse(&format!("{signed}.{signature}")).unwrap().verify(std::slice::from_ref(&jwk)).is_some());
    let other = format!("{}.{}", part(&json!({ "alg": "EdDSA" })), part(&json!({ "iss": "eve" })));
    assert!(Token::parse(&format!("{other}.{signature}")).unwrap().verify(&[jwk]).is_none());
}

#[test]
fn a_trusted_issuer_s_token_acts_with_its_scopes_but_never_with_all() {
    let app = app();
    assert_eq!(ask(&app, &hs256(&json!({ "alg": "HS256", "kid": "k1", "typ": "JWT" }), &claims(), SECRET)).status, 200);
    let seen = app.world.forwarded.borrow()[0].headers().clone();
    assert_eq!(seen["kobliat-scopes"], "customers:read", "`*` must be named in the configuration");
    assert_eq!(seen["kobliat-principal"], "jwt:https%3A%2F%2Fid.example.com%2F:ada");
}

#[test]
fn confusions_open_nothing() {
    let app = app();
    let good = json!({ "alg": "HS256", "kid": "k1" });
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let second = NOW / 1_000_000;
    for (what, header, claims) in [
        ("no algorithm", json!({ "alg": "none", "kid": "k1" }), claims()),
        ("another case", json!({ "alg": "NONE" }), claims()),
        ("another algorithm", json!({ "alg": "HS512", "kid": "k1" }), claims()),
        ("a key that is none", json!({ "alg": "HS256", "kid": "k2" }), claims()),
        ("a key by address", json!({ "alg": "HS256", "kid": { "jku": "https://evil" } }), claims()),
        ("what must be understood", json!({ "alg": "HS256", "kid": "k1", "crit": ["exp"] }), claims()),
        ("another kind", json!({ "alg": "HS256", "kid": "k1", "typ": "logout+jwt" }), claims()),
        ("another issuer", good.clone(), with("iss", json!("https://evil.example"))),
        ("another audience", good.clone(), with("aud", json!(["other"]))),
        ("no audience", good.clone(), without("aud")),
        ("no end", good.clone(), without("exp")),
        ("an end in words", good.clone(), with("exp", json!("tomorrow"))),
        ("an end beyond time", good.clone(), with("exp", json!(1e300))),
        ("over", good.clone(), with("exp", json!(second - 61))),
        ("not yet", good.clone(), with("nbf", json!(second + 120))),
        ("from the future", good.clone(), with("iat", json!(second + 120))),
        ("nobody", good.clone(), without("sub")),
    ] {
        app.world.now.set(app.world.now.get() + 6_000_000);
        let claims = if what == "over" { claims } else { shifted(claims, app.world.now.get() - NOW) };
        assert_eq!(ask(&app, &hs256(&header, &claims, SECRET)).status, 401, "{what}");
    }
}

/// The same token, made later.
fn shifted(mut claims: Value, by_micros: i64) -> Value {
    for name in ["exp", "nbf", "iat"] {
        if let Some(at) = claims.get(name).and_then(Value::as_i64) {
            claims[name] = json!(at + by_micros / 1_000_000);
        }
    }
    claims
}

#[test]
fn a_public_rsa_key_is_no_secret() {
    let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    let key = Key::from_jwk(&json!({ "kty": "RSA", "n": n, "e": "AQAB" })).unwrap();
    for secret in [n.as_bytes().to_vec(), URL_SAFE_NO_PAD.decode(n).unwrap()] {
        let forged = hs256(&json!({ "alg": "HS256" }), &claims(), &secret);
        assert!(Token::parse(&forged).unwrap().verify(std::slice::from_ref(&key)).is_none());
    }
}

#[test]
fn weak_and_foreign_keys_are_none() {
    for jwk in [
        json!({ "kty": "oct", "k": "c2hvcnQ" }),
        json!({ "kty": "RSA", "n": "ofgWCuLjybRlzo0t", "e": "AQAB" }),
        json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode([0; 32]) }),
        json!({ "kty": "oct", "alg": "RS256", "k": URL_SAFE_NO_PAD.encode(SECRET) }),
        json!({ "kty": "oct", "use": "enc", "k": URL_SAFE_NO_PAD.encode(SECRET) }),
        json!("key"),
    ] {
        assert!(Key::from_jwk(&jwk).is_none(), "{jwk}");
    }
}

#[test]
fn a_name_twice_in_a_token_is_no_token() {
    let payload = URL_SAFE_NO_PAD.encode(format!(r#"{{"iss":"{ISSUER}","iss":"x"}}"#));
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","alg":"none"}"#);
    assert!(Token::parse(&format!("{header}.{payload}.AA")).is_none());
    assert!(
        Token::parse(&format!("{}.{payload}.AA", part(&json!({ "alg": "HS256" })))).unwrap().claimed_issuer().is_none()
    );
}

#[test]
fn keys_are_fetched_once_and_again_when_a_new_one_is_named() {
    let app = TestApp::new();
    let url = "https://id.example.com/jwks.json";
    let issuers = json!([{ "issuer": ISSUER, "audience": "kobliat", "tenant": "default", "jwks_url": url }]);
    app.world.variables.borrow_mut().insert("jwt_issuers", issuers.to_string());
    let set =
        |id: &str| json!({ "keys": [{ "kty": "oct", "kid": id, "k": URL_SAFE_NO_PAD.encode(SECRET) }] }).to_string();
    app.world.elsewhere.borrow_mut().insert(url.into(), set("old"));
    let token = |id: &str| hs256(&json!({ "alg": "HS256", "kid": id }), &claims(), SECRET);
    assert_eq!(ask(&app, &token("old")).status, 200);
    assert_eq!(ask(&app, &token("old")).status, 200);
    assert_eq!(app.world.fetched.borrow().len(), 1);
    app.world.elsewhere.borrow_mut().insert(url.into(), set("new"));
    ask(&app, &token("new")).problem(401);
    app.world.now.set(NOW + 31_000_000);
    assert_eq!(ask(&app, &token("new")).status, 200);
    assert_eq!(app.world.fetched.borrow().len(), 2);
}

#[test]
fn a_tenant_that_is_not_there_has_no_callers() {
    let app = app();
    let key = json!({ "kty": "oct", "kid": "k1", "k": URL_SAFE_NO_PAD.encode(SECRET) });
    let issuers = json!([{ "issuer": ISSUER, "audience": "kobliat", "tenant_claim": "org", "keys": [key] }]);
    app.world.variables.borrow_mut().insert("jwt_issuers", issuers.to_string());
    let mut claims = claims();
    for (org, status) in [(json!("nobody"), 401), (json!("../default"), 401), (json!("default"), 200)] {
        claims["org"] = org;
        assert_eq!(ask(&app, &hs256(&json!({ "alg": "HS256" }), &claims, SECRET)).status, status);
    }
}
