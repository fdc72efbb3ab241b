//! Twilio's own vectors (twilio-node, `spec/validation.spec.js`).

use super::*;

const TOKEN: &str = "12345";
const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";
const BODY: &str = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212";

fn valid(url: &str, body: &str, signature: &str) -> bool {
    is_valid(TOKEN, url, body.as_bytes(), signature)
}

#[test]
fn accepts_the_form_however_the_port_is_written() {
    for signature in ["RSOYDt4T1cUTdK1PDd93/VVr8B8=", "kvajT1Ptam85bY51eRf/AJRuM3w="] {
        for url in [URL, "https://mycompany.com:443/myapp.php?foo=1&bar=2"] {
            assert!(valid(url, BODY, signature), "{url} {signature}");
        }
    }
    // Another port is part of the address, though Twilio may leave it out of what it signs.
    assert!(valid("https://mycompany.com:1234/myapp.php?foo=1&bar=2", BODY, "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
    assert!(valid("http://mycompany.com:1234/myapp.php?foo=1&bar=2", BODY, "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="));
    for url in ["http://mycompany.com/myapp.php?foo=1&bar=2", "http://mycompany.com:80/myapp.php?foo=1&bar=2"] {
        assert!(valid(url, BODY, "0ZXoZLH/DfblKGATFgpif+LLRf4="), "{url}");
    }
}

#[test]
fn the_order_of_the_fields_does_not_matter() {
    let shuffled = "To=%2B18005551212&Digits=1234&From=%2B14158675309&CallSid=CA1234567890ABCDE&Caller=%2B14158675309";
    assert!(valid(URL, shuffled, "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
}

#[test]
fn a_repeated_field_is_signed_with_its_different_values_in_order() {
    for (body, signature) in [
        (
            "MessagingBinding.Address=%2B1325xxxxxxx&MessagingBinding.Address=%2B1415xxxxxxx",
            "83O6e2vORAoJHUNzJjDWN1jz+BA=",
        ),
        (
            "MessagingBinding.Address=%2B1415xxxxxxx&MessagingBinding.Address=%2B1325xxxxxxx",
            "83O6e2vORAoJHUNzJjDWN1jz+BA=",
        ),
        ("Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234", "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
    ] {
        assert!(valid(URL, body, signature), "{body}");
    }
}

#[test]
fn an_address_may_have_credentials() {
    for (who, signature) in [
        ("user:pass", "CukzLTc1tT5dXEDIHm/tKBanW10="),
        ("user", "2YRLlVAflCqxaNicjMpJcSTgzSs="),
        ("user:pass", "ZQFR1PTIZXF2MXB8ZnKCvnnA+rI="),
    ] {
        assert!(valid(&URL.replace("https://", &format!("https://{who}@")), BODY, signature), "{signature}");
    }
}

#[test]
fn a_json_body_is_signed_by_its_hash() {
    let hash = "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620";
    let url = format!("{URL}&bodySHA256={hash}");
    let (body, signature) = (r#"{"property": "value", "boolean": true}"#, "a9nBmqA0ju/hNViExpshrM61xv4=");
    assert!(valid(&url, body, signature));
    let alone = format!("https://mycompany.com/myapp.php?bodySHA256={hash}");
    assert!(valid(&alone, body, "y77kIzt2vzLz71DgmJGsen2scGs="));
    let empty = format!("{URL}&bodySHA256=44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    assert!(valid(&empty, "{}", "Ldidvp12m26NI7eqEvxnEpkd9Hc="));
    assert!(!valid(&url, r#"{"property": "value", "boolean": false}"#, signature), "another body");
    assert!(!valid(&url, "", signature), "no body");
    assert!(!valid(URL, body, signature), "the hash is not in the address");
    assert!(!valid(URL, body, "RSOYDt4T1cUTdK1PDd93/VVr8B8="), "JSON without a hash is not signed at all");
}

#[test]
fn an_apostrophe_in_the_query_is_signed_as_it_is_or_escaped() {
    assert!(valid(&format!("{URL}&Body=It's+amazing"), BODY, "dsq4Ehbj6cs+KdTkpF5sSSplOWw="));
    // Most of Twilio's signers write it as a browser does.
    let escaped = sign(&format!("{URL}&Body=It%27s+amazing"), BODY);
    assert!(valid(&format!("{URL}&Body=It's+amazing"), BODY, &escaped));
    assert!(valid(&format!("{URL}&Body=It%27s+amazing"), BODY, &escaped));
}

#[test]
fn the_query_may_have_been_escaped_anew() {
    let signature = sign("https://example.com/path?name=a%20b&sign=%2B", "From=%2B1");
    assert!(valid("https://example.com/path?name=a+b&sign=%2b", "From=%2B1", &signature));
}

#[test]
fn refuses_everything_else() {
    let good = "RSOYDt4T1cUTdK1PDd93/VVr8B8=";
    assert!(!valid(URL, &BODY.replace("1234567890", "1234567891"), good), "another field");
    assert!(!valid(URL, &format!("{BODY}&Extra=1"), good), "one field more: all that came are signed");
    assert!(!valid("https://mycompany.com/myapp.php?foo=1&bar=3", BODY, good), "another address");
    assert!(!valid("https://mycompany.com/myapp.php/?foo=1&bar=2", BODY, good), "a slash more");
    assert!(!is_valid("12346", URL, BODY.as_bytes(), good), "another token");
    for header in ["", "RSOYDt4T1cUTdK1PDd93/VVr8B8", "RSOYDt4T1cUTdK1PDd93", "!", "AAAA"] {
        assert!(!valid(URL, BODY, header), "{header}");
    }
    assert!(!is_valid("", URL, BODY.as_bytes(), &sign_with("", URL, "")), "an empty token proves nothing");
}

fn sign(url: &str, body: &str) -> String {
    sign_with(TOKEN, url, &signed_fields(url, body.as_bytes()).unwrap())
}

fn sign_with(token: &str, url: &str, fields: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(url.as_bytes());
    mac.update(fields.as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}
