//! Digests of what is fetched: `sha256:` and 64 hexadecimal digits.

pub(crate) fn sha256(text: &str) -> Result<String, String> {
    match text.strip_prefix("sha256:") {
        Some(hex) if hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(text.to_owned()),
        _ => Err(format!("`{text}` is no digest; write `sha256:` and its 64 hexadecimal digits")),
    }
}

#[cfg(test)]
mod tests {
    use super::sha256;

    #[test]
    fn wants_the_whole_digest() {
        assert!(sha256(&format!("sha256:{}", "0a".repeat(32))).is_ok());
        for bad in ["", "sha256:", "sha256:12", &"0a".repeat(32), &format!("sha256:{}", "xy".repeat(32))] {
            assert!(sha256(bad).is_err(), "{bad}");
        }
    }
}
