//! W3C trace context: the `traceparent` that a request came with, and those that it sends on.

use std::fmt;

/// A place in a trace: what `traceparent` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    pub trace_id: u128,
    /// The span that what follows is a child of.
    pub span_id: u64,
    pub sampled: bool,
}

impl TraceContext {
    /// Reads a header's value; anything but version 00's form is no trace (W3C: later versions begin with the same fields).
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('-');
        let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let more = parts.next().is_some();
        let version = hex(version, 2)?;
        if version == 0xff || (version == 0 && more) {
            return None;
        }
        let (trace_id, span_id, flags) = (hex(trace, 32)?, u64::try_from(hex(span, 16)?).ok()?, hex(flags, 2)?);
        (trace_id != 0 && span_id != 0).then_some(Self { trace_id, span_id, sampled: flags & 1 == 1 })
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

/// Lower-case hexadecimal of exactly this many digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (text.len() == digits && is_hex).then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn reads_and_writes_the_header() {
        let context = TraceContext::parse(EXAMPLE).unwrap();
        assert!(context.sampled);
        assert_eq!(context.to_string(), EXAMPLE);
    }

    #[test]
    fn understands_later_versions_and_refuses_what_is_none() {
        assert!(TraceContext::parse(&EXAMPLE.replacen("00", "cc", 1)).is_some());
        assert!(TraceContext::parse(&format!("{}-more", EXAMPLE.replacen("00", "cc", 1))).is_some());
        for bad in [
            "",
            "00",
            &EXAMPLE.replacen("00", "ff", 1),
            &format!("{EXAMPLE}-more"),
            &EXAMPLE.to_uppercase(),
            &EXAMPLE.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &EXAMPLE.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &EXAMPLE.replace("4bf9", "+bf9"),
        ] {
            assert_eq!(TraceContext::parse(bad), None, "{bad}");
        }
    }
}
