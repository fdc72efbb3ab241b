//! Telephone numbers: the ways in which one is written, and the digits by which it is matched.
//!
//! ```
//! # use customer::number::canonical;
//! let german = Some("491711234567".to_owned());
//! assert_eq!(canonical("+49 (0)171 123-4567"), german);
//! assert_eq!(canonical("0049 171/1234567"), german);
//! assert_eq!(canonical("0171 1234567"), None, "no country");
//! ```

/// Shorter ones are short codes and parts of numbers; E.164 ends at 15 digits.
const LENGTHS: std::ops::RangeInclusive<usize> = 7..=15;

/// Countries where people write a trunk zero after the country code, and where no number begins with a zero there.
const TRUNK_ZERO: &[&str] = &[
    "20", "27", "31", "32", "33", "40", "41", "43", "44", "46", "49", "51", "54", "55", "58", "60", "61", "62", "63",
    "64", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98", "212", "213", "218", "234", "249",
    "251", "254", "255", "256", "260", "263", "353", "355", "358", "359", "373", "374", "380", "381", "382", "383",
    "385", "386", "387", "389", "421", "855", "856", "880", "886", "961", "962", "963", "964", "966", "967", "971",
    "972", "976", "977", "992", "993", "994", "995", "996", "998",
];

/// Countries whose numbers do begin with a zero after the country code: Italy, San Marino, Ivory Coast, Gabon, Congo.
const REAL_ZERO: &[&str] = &["39", "378", "225", "241", "242"];

/// A number's digits, as far as the text says which they are.
struct Written {
    digits: String,
    /// It began with `+` or `00`: the country code comes first.
    is_international: bool,
}

/// The digits by which an international number is matched, with or without its `+`; `None` for any other text.
pub fn canonical(text: &str) -> Option<String> {
    let digits = read(text)?.digits;
    let is_number = LENGTHS.contains(&digits.len()) && !digits.starts_with('0');
    is_number.then(|| one_form(&digits))
}

/// The digits to look for when somebody types a number or a part of one; `None` for any other text.
pub fn typed(text: &str) -> Option<String> {
    let Written { digits, .. } = read(text)?;
    let significant = digits.trim_start_matches('0');
    Some(if significant.is_empty() { digits } else { one_form(significant) })
}

/// All digits of a number as it is stored, without its signs; `None` for any other text.
pub fn digits(text: &str) -> Option<String> {
    read(text).map(|written| written.digits)
}

fn read(text: &str) -> Option<Written> {
    let text = text.trim();
    let text = text.strip_prefix("tel:").unwrap_or(text);
    let compact = text.chars().filter(|c| !is_sign(*c)).map(plain).collect::<Option<String>>()?;
    let opened = compact.trim_start_matches('(');
    let international = opened.strip_prefix('+').or_else(|| opened.strip_prefix("00"));
    let rest = international.unwrap_or(&compact);
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() || rest.contains('+') {
        return None;
    }
    let digits = if international.is_some() { without_trunk_zero(rest, digits) } else { digits };
    Some(Written { digits, is_international: international.is_some() }).filter(Written::is_sound)
}

impl Written {
    /// No country code begins with a zero.
    fn is_sound(&self) -> bool {
        !(self.is_international && self.digits.starts_with('0'))
    }
}

/// `+49 (0)171` and `+49 0171` are `49171`.
fn without_trunk_zero(rest: &str, digits: String) -> String {
    if REAL_ZERO.iter().any(|code| digits.starts_with(code)) {
        return digits;
    }
    if rest.contains("(0)") {
        return rest.replacen("(0)", "", 1).chars().filter(char::is_ascii_digit).collect();
    }
    let national = TRUNK_ZERO.iter().find_map(|code| Some((*code, digits.strip_prefix(code)?.strip_prefix('0')?)));
    national.map_or(digits.clone(), |(code, rest)| format!("{code}{rest}"))
}

/// The one form of a mobile number that has two. Mexico's 1 and Argentina's 9 after the country code say "mobile" and are left out in
/// new numbering; Brazil's mobile numbers got a ninth digit, which WhatsApp's ids of older accounts lack.
fn one_form(digits: &str) -> String {
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    match (digits.len(), part(0..2), part(2..3)) {
        (13, "52", "1") => format!("52{}", part(3..13)),
        (13, "54", "9") => format!("54{}", part(3..13)),
        // Buenos Aires writes its mobile numbers with 15, too.
        (14, "54", "1") if part(2..6) == "1115" => format!("5411{}", part(6..14)),
        // After a 9, 2 to 5 is a mobile number that never had eight digits: without the 9 it would be somebody's landline.
        (13, "55", _) if part(4..5) == "9" && !("2"..="5").contains(&part(5..6)) => {
            format!("{}{}", part(0..4), part(5..13))
        }
        _ => digits.to_owned(),
    }
}

/// What people, and programs that show numbers, put between digits; phones copy invisible marks of direction along.
fn is_sign(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '.' | '/' | '\u{ad}' | '\u{2010}'..='\u{2015}' | '\u{2212}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Digits of other scripts are digits.
fn plain(c: char) -> Option<char> {
    let zero = match c {
        '0'..='9' | '+' | '(' | ')' => return Some(c),
        '＋' => return Some('+'),
        '（' => return Some('('),
        '）' => return Some(')'),
        '\u{660}'..='\u{669}' => 0x660,
        '\u{6f0}'..='\u{6f9}' => 0x6f0,
        '\u{966}'..='\u{96f}' => 0x966,
        '\u{ff10}'..='\u{ff19}' => 0xff10,
        _ => return None,
    };
    char::from_digit(u32::from(c) - zero, 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_number_in_all_its_spellings() {
        let spellings = [
            "491711234567",
            "+491711234567",
            "+49 171 1234567",
            "0049171 123 45 67",
            "+49 (0)171/123-4567",
            "+49 0171 1234567",
            "(+49) 171.123.45.67",
            "tel:+49-171-1234567",
            "\u{202a}+49\u{a0}171\u{a0}1234567\u{202c}",
            "＋４９ １７１ １２３４５６７",
            "+٤٩١٧١١٢٣٤٥٦٧",
        ];
        for text in spellings {
            assert_eq!(canonical(text).as_deref(), Some("491711234567"), "{text}");
        }
    }

    #[test]
    fn keeps_a_zero_that_belongs_to_the_number() {
        assert_eq!(canonical("+39 06 1234567"), Some("39061234567".to_owned()));
        assert_eq!(canonical("+39 (0)6 1234567"), Some("39061234567".to_owned()));
        assert_eq!(
            canonical("3100123456"),
            Some("3100123456".to_owned()),
            "without + nothing says where the country ends"
        );
    }

    #[test]
    fn knows_the_two_forms_of_mobile_numbers() {
        let pairs = [
            ("5215512345678", "525512345678"),
            ("5491123456789", "541123456789"),
            ("+54 11 15 2345-6789", "541123456789"),
            ("5511987654321", "551187654321"),
        ];
        for (one, other) in pairs {
            assert_eq!(canonical(one), canonical(other), "{one}");
        }
        assert_ne!(canonical("5511932345678"), canonical("551132345678"), "a mobile number and a landline");
    }

    #[test]
    fn takes_nothing_else_for_a_number() {
        for text in
            ["", "+", "0171 1234567", "12345", "messenger:2415123456", "US.13491208655302741918", "ada@example.com"]
        {
            assert_eq!(canonical(text), None, "{text}");
        }
        for text in ["1234567890123456", "+0049171123456", "1+6505551234", "ACME 1234567"] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }

    #[test]
    fn looks_for_what_is_typed() {
        for text in ["0171 123", "+49 (0)171", "0049 171", "(0171) 12-3"] {
            assert!(typed(text).is_some_and(|digits| digits.contains("171") && !digits.starts_with('0')), "{text}");
        }
        assert_eq!((typed("0"), typed("ada 171"), typed("- / +")), (Some("0".to_owned()), None, None));
    }
}
