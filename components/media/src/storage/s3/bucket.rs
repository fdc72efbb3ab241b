//! The bucket as the variables have it: where it is, who may use it, and what objects are called there.

use std::rc::Rc;

use sdk::query::percent_encode;

use super::sigv4::Signer;
use crate::{app::Platform, store::uploads::Place};

/// What most stores take that have no regions.
const DEFAULT_REGION: &str = "us-east-1";

#[derive(Clone)]
pub struct Bucket(Rc<Inner>);

struct Inner {
    /// Ends without a slash.
    base: String,
    prefix: String,
    signer: Signer,
}

impl Bucket {
    /// An error names the variable, for the log.
    pub async fn of(platform: &impl Platform) -> Result<Self, String> {
        let required = async |name: &str| {
            let value = platform.setting(name).await;
            value.ok_or_else(|| format!("files are to be in S3, and variable `{name}` has no value"))
        };
        let endpoint = origin(&required("s3_endpoint").await?)?;
        // `false`: the endpoint is the bucket's own host.
        let is_in_path = platform.setting("s3_path_style").await.is_none_or(|style| style != "false");
        let base = match is_in_path {
            true => format!("{endpoint}/{}", percent_encode(&required("s3_bucket").await?)),
            false => endpoint,
        };
        let prefix = platform.setting("s3_prefix").await.unwrap_or_default();
        let signer = Signer {
            access_key_id: required("s3_access_key_id").await?,
            secret_access_key: required("s3_secret_access_key").await?,
            session_token: platform.setting("s3_session_token").await,
            region: platform.setting("s3_region").await.unwrap_or_else(|| DEFAULT_REGION.to_owned()),
            service: "s3",
        };
        Ok(Self(Rc::new(Inner { base, prefix, signer })))
    }

    pub fn signer(&self) -> &Signer {
        &self.0.signer
    }

    /// `kobliat/default/0192…/original`
    pub fn key(&self, place: &Place, name: &str) -> String {
        let prefix = self.0.prefix.trim_matches('/').split('/').filter(|segment| !segment.is_empty());
        let segments = prefix.chain([place.tenant.as_str(), place.id.as_str(), name]);
        segments.collect::<Vec<_>>().join("/")
    }

    /// The address of an object, or of the bucket when the key is empty. The query is escaped already.
    pub fn url(&self, key: &str, query: &str) -> String {
        let path: Vec<String> = key.split('/').map(percent_encode).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}/{}{mark}{query}", self.0.base, path.join("/"))
    }
}

/// Scheme and host, and a port that is not the scheme's own: as it will stand in the `Host` header, which is signed.
fn origin(endpoint: &str) -> Result<String, String> {
    let wrong =
        || format!("variable `s3_endpoint` is `{endpoint}`, not like https://s3.example.com or http://127.0.0.1:9000");
    let endpoint = endpoint.trim().trim_end_matches('/');
    let (scheme, host) = endpoint.split_once("://").ok_or_else(wrong)?;
    let own_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return Err(wrong()),
    };
    let host = host.strip_suffix(own_port).unwrap_or(host);
    let is_host = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:[]".contains(&b));
    if is_host { Ok(format!("{scheme}://{}", host.to_ascii_lowercase())) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_scheme_and_a_host() {
        for (given, meant) in [
            ("https://s3.example.com", "https://s3.example.com"),
            ("https://S3.example.com:443/", "https://s3.example.com"),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(origin(given).as_deref(), Ok(meant));
        }
        for wrong in
            ["", "s3.example.com", "ftp://s3.example.com", "https://", "https://a/b", "https://a b", "https://u@h"]
        {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
