//! The codings, and which of them a client likes best.

use http::HeaderValue;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Zstd,
    Brotli,
    Gzip,
}

impl Coding {
    /// Among those that a client likes equally, the one that costs least.
    pub const ALL: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];

    pub fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    fn is_called(self, name: &str) -> bool {
        name.eq_ignore_ascii_case(self.name()) || (self == Self::Gzip && name.eq_ignore_ascii_case("x-gzip"))
    }

    /// By `Accept-Encoding` (RFC 9110, 12.5.3); `None`: as it is.
    pub fn accepted<'a>(lines: impl Iterator<Item = &'a HeaderValue>) -> Option<Self> {
        let mut said: [Option<u16>; 3] = [None; 3];
        let (mut others, mut identity) = (None, None);
        for part in lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')) {
            let (name, quality) = preference(part);
            match Self::ALL.iter().zip(&mut said).find(|(coding, _)| coding.is_called(name)) {
                Some((_, said)) => *said = Some(quality),
                None if name == "*" => others = Some(quality),
                None if name.eq_ignore_ascii_case("identity") => identity = Some(quality),
                None => {}
            }
        }
        let liked = said.map(|quality| quality.or(others).unwrap_or(0));
        let best = liked.iter().copied().max().filter(|&best| best > 0 && best >= identity.unwrap_or(0))?;
        let at = liked.iter().position(|&quality| quality == best)?;
        Self::ALL.get(at).copied()
    }
}

/// `gzip;q=0.8`: the name, and the quality in thousandths. One that can not be read is 0: it was not asked for in earnest.
fn preference(part: &str) -> (&str, u16) {
    let mut pieces = part.split(';').map(str::trim);
    let name = pieces.next().unwrap_or_default();
    let quality = pieces.find_map(|piece| piece.strip_prefix("q=").or_else(|| piece.strip_prefix("Q=")));
    let Some(quality) = quality else { return (name, 1000) };
    let thousandths = quality.parse::<f32>().ok().filter(|quality| (0.0..=1.0).contains(quality));
    (name, thousandths.map_or(0, |quality| (quality * 1000.0).round() as u16))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(lines: &[&str]) -> Option<&'static str> {
        let lines: Vec<HeaderValue> = lines.iter().map(|line| HeaderValue::from_str(line).unwrap()).collect();
        Coding::accepted(lines.iter()).map(Coding::name)
    }

    #[test]
    fn the_client_chooses_by_quality() {
        assert_eq!(accepted(&["gzip"]), Some("gzip"));
        assert_eq!(accepted(&["gzip, deflate, br, zstd"]), Some("zstd"), "equals: the cheapest");
        assert_eq!(accepted(&["gzip;q=1.0, br;q=0.5"]), Some("gzip"));
        assert_eq!(accepted(&["GZIP; q=0.001"]), Some("gzip"));
        assert_eq!(accepted(&["gzip;q=0.5", "br"]), Some("br"), "lines are one list");
        assert_eq!(accepted(&["x-gzip"]), Some("gzip"));
        assert_eq!(accepted(&["*"]), Some("zstd"));
        assert_eq!(accepted(&["zstd;q=0, *;q=0.5"]), Some("br"), "all others");
    }

    #[test]
    fn what_it_does_not_want_it_does_not_get() {
        for line in ["", "identity", "deflate", "gzip;q=0", "*;q=0", "gzip;q=0.5, identity", "gzip;q=x", "gzip;q=7"] {
            assert_eq!(accepted(&[line]), None, "{line}");
        }
        assert_eq!(accepted(&[]), None);
        assert_eq!(accepted(&["identity;q=0.5, gzip;q=0.5"]), Some("gzip"));
    }
}
