//! Where we may go for a file. A webhook or a provider's answer names the URL, so that without this rule whoever writes one could have us
//! fetch what only we can reach. The host checks the same list, and the addresses, when it connects (spin.toml).

use http::Uri;

/// Where the providers keep files, beside their APIs. A leading dot: any name below.
const FILE_HOSTS: [&str; 4] = ["lookaside.fbsbx.com", ".fbcdn.net", ".whatsapp.net", ".twiliocdn.com"];

/// The URL, when it is one of the providers': by https, or at an origin that the deployment names (a test's emulator by http).
pub fn check(url: &str, origins: &[String]) -> Result<Uri, String> {
    let uri: Uri = url.parse().map_err(|_| "the provider's URL is none".to_owned())?;
    let authority = uri.authority().map(|authority| authority.as_str().to_ascii_lowercase()).unwrap_or_default();
    if authority.contains('@') {
        return Err("the provider's URL has credentials in it".to_owned());
    }
    let scheme = uri.scheme_str().unwrap_or_default().to_ascii_lowercase();
    let origin = format!("{scheme}://{authority}");
    let is_origin = origins.iter().any(|known| known.trim_end_matches('/').eq_ignore_ascii_case(&origin));
    // Without a port: the providers' files are at the usual one.
    let is_file_host = FILE_HOSTS.iter().any(|host| match host.strip_prefix('.') {
        Some(_) => authority.ends_with(host),
        None => authority == *host,
    });
    if is_origin || (scheme == "https" && is_file_host) {
        Ok(uri)
    } else {
        Err("the provider's URL leads elsewhere than to the provider".to_owned())
    }
}

/// Credentials go to who issued them, and not along with a redirect.
pub fn is_origin(uri: &Uri, origin: &str) -> bool {
    let same =
        |uri: &Uri| (uri.scheme_str().map(str::to_owned), uri.authority().map(|a| a.as_str().to_ascii_lowercase()));
    origin.parse::<Uri>().is_ok_and(|origin| same(&origin) == same(uri))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_allowed(url: &str) -> bool {
        check(url, &["https://api.twilio.com".to_owned(), "http://127.0.0.1:4010/".to_owned()]).is_ok()
    }

    #[test]
    fn goes_to_the_providers() {
        for url in [
            "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1",
            "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1&ext=2",
            "https://mmg.whatsapp.net/v/t62",
            "https://mms.twiliocdn.com/AC1/abc?Expires=1",
            "http://127.0.0.1:4010/media/1",
        ] {
            assert!(is_allowed(url), "{url}");
        }
    }

    #[test]
    fn goes_nowhere_else() {
        for url in [
            "http://169.254.169.254/latest/meta-data",
            "http://api.twilio.com/x",
            "https://api.twilio.com:8443/x",
            "https://api.twilio.com@evil.example/x",
            "https://evil.example/api.twilio.com",
            "https://eviltwiliocdn.com/x",
            "https://twiliocdn.com.evil.example/x",
            "http://lookaside.fbsbx.com/x",
            "http://127.0.0.1:4011/media/1",
            "http://127.0.0.1/media/1",
            "https://media.spin.internal/x",
            "http://media.spin.internal/x",
            "http://admin.kobliat.internal/components",
            "file:///etc/passwd",
            "/media/1",
            "",
        ] {
            assert!(!is_allowed(url), "{url}");
        }
    }

    #[test]
    fn credentials_stay_with_who_issued_them() {
        let uri = |text: &str| text.parse::<Uri>().unwrap();
        assert!(is_origin(&uri("https://api.twilio.com/x"), "https://api.twilio.com"));
        assert!(!is_origin(&uri("https://mms.twiliocdn.com/x"), "https://api.twilio.com"));
        assert!(!is_origin(&uri("http://api.twilio.com/x"), "https://api.twilio.com"));
    }
}
