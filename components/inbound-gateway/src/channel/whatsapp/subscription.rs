//! Meta's verification of the webhook's address: it sends a token that we chose and wants its challenge back.

use sdk::query::Query;

use crate::channel::secret::same;

/// Far above Meta's challenges (ten digits); what is longer is not Meta's.
const MAX_CHALLENGE_BYTES: usize = 1024;

/// The challenge to answer, or `None` when whoever asks does not know our token.
///
/// The names contain dots (`hub.mode`), which some frameworks rewrite; `query` has them as they came.
pub fn challenge(query: &Query, verify_token: &str) -> Option<String> {
    let mode = parameter(query, "hub.mode")?;
    let token = parameter(query, "hub.verify_token")?;
    let challenge = parameter(query, "hub.challenge")?;
    let allowed = mode == "subscribe" && same(token, verify_token);
    (allowed && is_plain(challenge)).then(|| challenge.to_owned())
}

/// The challenge is echoed to the caller, so it may hold nothing that a browser could take for markup.
fn is_plain(challenge: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    !challenge.is_empty() && challenge.len() <= MAX_CHALLENGE_BYTES && challenge.bytes().all(plain)
}

/// The only value of `name`; a name given twice has none.
fn parameter<'q>(query: &'q Query, name: &str) -> Option<&'q str> {
    let mut values = query.iter().filter(|(key, _)| *key == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    fn challenge(query: &str, verify_token: &str) -> Option<String> {
        super::challenge(&super::Query::parse(query).unwrap(), verify_token)
    }

    #[test]
    fn answers_the_bare_challenge() {
        let query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meaty%20mat";
        assert_eq!(challenge(query, "meaty mat").as_deref(), Some("1158201444"));
    }

    #[test]
    fn refuses_whoever_does_not_know_the_token() {
        for query in [
            "",
            "hub.mode=subscribe",
            "hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong",
            "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=right",
            "hub.challenge=1&hub.verify_token=right",
            "hub.mode=subscribe&hub.verify_token=right",
            "hub.mode=subscribe&hub.challenge=1&hub.verify_token=right&hub.verify_token=right",
            "hub_mode=subscribe&hub_challenge=1&hub_verify_token=right",
            "hub.mode=subscribe&hub.challenge=<script>&hub.verify_token=right",
            "hub.mode=subscribe&hub.challenge=%zz&hub.verify_token=right",
            "hub.mode=subscribe&hub.challenge=&hub.verify_token=right",
        ] {
            assert_eq!(challenge(query, "right"), None, "{query}");
        }
    }

    #[test]
    fn an_empty_token_lets_nobody_in() {
        assert_eq!(challenge("hub.mode=subscribe&hub.challenge=1&hub.verify_token=", ""), None);
    }
}
