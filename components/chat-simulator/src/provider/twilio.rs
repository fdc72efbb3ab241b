//! Twilio: its webhooks as forms, and the signature over address and form.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, Mac};
use sha1::Sha1;

pub const CHANNEL: &str = "sms";
pub const SIGNATURE: &str = "x-twilio-signature";
pub const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";

/// Our number that simulated customers write to: of country code 999, which is given to nobody.
pub const ACCOUNT: &str = "999000000001";
/// The account that the emulator speaks for, unless the deployment has its own.
pub const ACCOUNT_SID: &str = "AC99900000000000000000000000000001";

pub type Form = Vec<(String, String)>;

/// base64(HMAC-SHA1(token, URL + every key and value, sorted)); of a key that comes twice, each different value once.
pub fn signature(token: &str, url: &str, form: &[(String, String)]) -> String {
    let mut pairs: Vec<(&str, &str)> = form.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut text = url.to_owned();
    for (key, value) in pairs {
        text.push_str(key);
        text.push_str(value);
    }
    let digest = Hmac::<Sha1>::new_from_slice(token.as_bytes()).map(|mac| mac.chain_update(text).finalize());
    digest.map(|digest| BASE64_STANDARD.encode(digest.into_bytes())).unwrap_or_default()
}

/// `application/x-www-form-urlencoded`, as Twilio writes it.
pub fn encode(form: &[(String, String)]) -> Vec<u8> {
    let mut encoded = form_urlencoded::Serializer::new(String::new());
    encoded.extend_pairs(form).finish().into_bytes()
}

/// What a customer wrote. Media are named by their addresses.
pub fn message(sid: &str, from: &str, to: &str, text: Option<&str>, media: Option<(&str, &str)>) -> Form {
    let mut form = vec![
        ("ToCountry", String::new()),
        ("MessageSid", sid.to_owned()),
        ("SmsSid", sid.to_owned()),
        ("SmsMessageSid", sid.to_owned()),
        ("AccountSid", ACCOUNT_SID.to_owned()),
        ("From", format!("+{from}")),
        ("To", format!("+{to}")),
        ("Body", text.unwrap_or_default().to_owned()),
        ("NumSegments", "1".to_owned()),
        ("NumMedia", if media.is_some() { "1" } else { "0" }.to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
    ];
    if let Some((url, mime_type)) = media {
        form.push(("MediaUrl0", url.to_owned()));
        form.push(("MediaContentType0", mime_type.to_owned()));
    }
    form.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// What became of a message of ours.
pub fn status(sid: &str, from: &str, to: &str, status: &str, error: Option<i64>) -> Form {
    let mut form = vec![
        ("MessageSid", sid.to_owned()),
        ("SmsSid", sid.to_owned()),
        ("AccountSid", ACCOUNT_SID.to_owned()),
        ("From", from.to_owned()),
        ("To", to.to_owned()),
        ("MessageStatus", status.to_owned()),
        ("SmsStatus", status.to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
    ];
    form.extend(error.map(|code| ("ErrorCode", code.to_string())));
    form.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";

    fn form(pairs: &[(&str, &str)]) -> Form {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn signs_as_twilios_own_tests_do() {
        let call = form(&[
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
            ("To", "+18005551212"),
        ]);
        assert_eq!(signature("12345", URL, &call), "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
        let with_port = URL.replace("mycompany.com", "mycompany.com:443");
        assert_eq!(signature("12345", &with_port, &call), "kvajT1Ptam85bY51eRf/AJRuM3w=");
        let twice = form(&[
            ("Sid", "CA123"),
            ("SidAccount", "AC123"),
            ("Digits", "5678"),
            ("Digits", "1234"),
            ("Digits", "1234"),
        ]);
        assert_eq!(signature("12345", URL, &twice), "IK+Dwps556ElfBT0I3Rgjkr1wJU=");
    }

    #[test]
    fn a_form_is_readable_again() {
        assert_eq!(encode(&form(&[("Body", "a b&c=ä+1"), ("To", "+999")])), b"Body=a+b%26c%3D%C3%A4%2B1&To=%2B999");
    }
}
