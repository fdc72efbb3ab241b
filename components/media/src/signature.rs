//! Links that work without a credential, for a while: the address carries who may see what until when, and a proof that we said so.

use hmac::{Hmac, Mac};
use sdk::{
    Micros,
    query::{Query, percent_encode},
};
use sha2::Sha256;

/// What a link opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub tenant: String,
    pub id: String,
    pub variant: Option<String>,
    /// In seconds since the Unix epoch.
    pub expires: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    Forged,
    Expired,
}

impl Link {
    /// The path and query that open it, below the API's prefix.
    pub fn path(&self, secret: &str) -> String {
        let Self { tenant, id, variant, expires } = self;
        let signature = hex::encode(self.mac(secret).finalize().into_bytes());
        let variant = variant.as_ref().map(|name| format!("variant={}&", percent_encode(name))).unwrap_or_default();
        format!(
            "/media/{id}/content?{variant}tenant={}&expires={expires}&signature={signature}",
            percent_encode(tenant)
        )
    }

    /// The link that a request follows; `None` when it carries no signature.
    pub fn of(id: &str, query: &Query, secret: &str, now: Micros) -> Option<Result<Self, Refused>> {
        let signature = query.get("signature")?;
        let link = || {
            Some(Self {
                tenant: query.get("tenant")?.to_owned(),
                id: id.to_owned(),
                variant: query.get("variant").map(str::to_owned),
                expires: query.get("expires")?.parse().ok()?,
            })
        };
        Some(link().ok_or(Refused::Forged).and_then(|link| link.verified(secret, signature, now)))
    }

    fn verified(self, secret: &str, signature: &str, now: Micros) -> Result<Self, Refused> {
        let signature = hex::decode(signature).map_err(|_| Refused::Forged)?;
        self.mac(secret).verify_slice(&signature).map_err(|_| Refused::Forged)?;
        if now / 1_000_000 >= self.expires { Err(Refused::Expired) } else { Ok(self) }
    }

    /// No field can hold a line break: ids and tenants are checked words, and a break in a query's value changes the text that is signed.
    fn mac(&self, secret: &str) -> Hmac<Sha256> {
        let mut mac = new_mac(secret);
        let variant = self.variant.as_deref().unwrap_or_default();
        for part in ["kobliat-media-v1", &self.tenant, &self.id, variant, &self.expires.to_string()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac
    }
}

fn new_mac(secret: &str) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "a secret of the deployment";
    const NOW: Micros = 1_749_416_383_000_000;

    fn link(variant: Option<&str>) -> Link {
        let (tenant, id) = ("acme".to_owned(), "018f0000-0000-7000-8000-000000000000".to_owned());
        Link { tenant, id, variant: variant.map(str::to_owned), expires: NOW / 1_000_000 + 60 }
    }

    fn follow(path: &str, now: Micros) -> Option<Result<Link, Refused>> {
        let (path, query) = path.split_once('?').unwrap();
        let id = path.split('/').nth(2).unwrap();
        Link::of(id, &Query::parse(query).unwrap(), SECRET, now)
    }

    #[test]
    fn opens_what_was_signed_until_it_expires() {
        for variant in [None, Some("thumbnail")] {
            let path = link(variant).path(SECRET);
            assert_eq!(follow(&path, NOW), Some(Ok(link(variant))));
            assert_eq!(follow(&path, NOW + 60_000_000), Some(Err(Refused::Expired)));
        }
        assert_eq!(follow("/media/x/content?tenant=acme", NOW), None);
    }

    #[test]
    fn refuses_what_was_changed() {
        let path = link(None).path(SECRET);
        for (from, to) in [
            ("tenant=acme", "tenant=other"),
            ("018f0000", "018f0001"),
            ("content?", "content?variant=thumbnail&"),
            ("expires=1", "expires=2"),
            ("expires=", "expires=x"),
            ("signature=", "signature=00"),
            ("signature=", "signature=zz"),
            ("tenant=acme&", ""),
        ] {
            let changed = path.replacen(from, to, 1);
            assert_ne!(changed, path);
            assert_eq!(follow(&changed, NOW), Some(Err(Refused::Forged)), "{changed}");
        }
        let other = link(None).path("another secret");
        assert_eq!(follow(&other, NOW), Some(Err(Refused::Forged)));
    }
}
