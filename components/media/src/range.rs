//! `Range` requests (RFC 9110, section 14), stricter than the standard asks: what overlaps or overflows is refused, not ignored.

/// Enough for a player that looks at the head, the index and a piece of a video; more is no honest request.
const MAX_RANGES: usize = 8;

/// A part of a file: from its first to its last byte, both in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub first: u64,
    pub last: u64,
}

impl Part {
    #[expect(clippy::len_without_is_empty, reason = "no part is empty")]
    pub fn len(self) -> u64 {
        self.last - self.first + 1
    }

    /// `bytes 0-99/1000`.
    pub fn content_range(self, size: u64) -> String {
        format!("bytes {}-{}/{size}", self.first, self.last)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Whole,
    /// In the order that was asked for.
    Parts(Vec<Part>),
    /// 416.
    Unsatisfiable,
}

/// What a `Range` header asks of a file of this size. Other units than bytes are ignored, as the standard has it.
pub fn read(header: Option<&str>, size: u64) -> Wanted {
    let Some(sets) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else { return Wanted::Whole };
    let specs: Vec<&str> = sets.split(',').map(str::trim).filter(|spec| !spec.is_empty()).collect();
    if specs.is_empty() || specs.len() > MAX_RANGES {
        return Wanted::Unsatisfiable;
    }
    let Some(parts) = specs.into_iter().map(|spec| part(spec, size)).collect::<Option<Vec<_>>>() else {
        return Wanted::Unsatisfiable;
    };
    let mut parts: Vec<Part> = parts.into_iter().flatten().collect();
    if parts.is_empty() || overlap(&parts) {
        return Wanted::Unsatisfiable;
    }
    // A file that ends before a range ends is told so by what comes.
    parts.iter_mut().for_each(|part| part.last = part.last.min(size.saturating_sub(1)));
    Wanted::Parts(parts)
}

/// `None` when it is no range; an empty one when there is nothing of it in the file.
fn part(spec: &str, size: u64) -> Option<Option<Part>> {
    let (first, last) = spec.split_once('-')?;
    if first.is_empty() {
        let length = number(last)?.min(size);
        return Some((length > 0).then(|| Part { first: size - length, last: size - 1 }));
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    Some((first < size).then(|| Part { first, last: last.min(size - 1) }))
}

/// Digits only: `parse` would take a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

fn overlap(parts: &[Part]) -> bool {
    let mut sorted = parts.to_vec();
    sorted.sort_by_key(|part| part.first);
    sorted.iter().zip(sorted.iter().skip(1)).any(|(one, next)| next.first <= one.last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(header: &str, size: u64) -> Vec<(u64, u64)> {
        match read(Some(header), size) {
            Wanted::Parts(parts) => parts.into_iter().map(|part| (part.first, part.last)).collect(),
            other => panic!("{header}: {other:?}"),
        }
    }

    #[test]
    fn reads_every_form() {
        assert_eq!(parts("bytes=0-0", 10), [(0, 0)]);
        assert_eq!(parts("bytes=2-", 10), [(2, 9)]);
        assert_eq!(parts("bytes=-3", 10), [(7, 9)]);
        assert_eq!(parts("bytes=-300", 10), [(0, 9)]);
        assert_eq!(parts("bytes=5-99", 10), [(5, 9)]);
        assert_eq!(parts("bytes= 8-9 , 0-1", 10), [(8, 9), (0, 1)]);
        assert_eq!(parts("bytes=0-1,50-60", 10), [(0, 1)], "what is not there is left out");
    }

    #[test]
    fn ignores_what_is_no_byte_range() {
        assert_eq!(read(None, 10), Wanted::Whole);
        assert_eq!(read(Some("lines=1-2"), 10), Wanted::Whole);
    }

    #[test]
    fn refuses_what_overlaps_overflows_or_makes_no_sense() {
        for bad in [
            "bytes=10-",
            "bytes=-0",
            "bytes=5-4",
            "bytes=",
            "bytes=a-b",
            "bytes=1",
            "bytes=+1-2",
            "bytes=0-5,5-9",
            "bytes=0-,-1",
            "bytes=0-18446744073709551616",
            "bytes=99999999999999999999-",
            "bytes=0-0,2-2,4-4,6-6,8-8,10-10,12-12,14-14,16-16",
        ] {
            assert_eq!(read(Some(bad), 10), Wanted::Unsatisfiable, "{bad}");
        }
        assert_eq!(read(Some("bytes=0-"), 0), Wanted::Unsatisfiable);
    }
}
