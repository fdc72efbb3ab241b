//! The providers' error codes: what they mean, and with which status and words they come.

/// What the one who sends should do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Again, later.
    Retry,
    /// Something else, or to somebody else.
    Refuse,
    /// Nothing more from this account.
    Stop,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    pub code: i64,
    pub class: Class,
    pub status: u16,
    pub words: &'static str,
}

const fn code(code: i64, class: Class, status: u16, words: &'static str) -> Code {
    Code { code, class, status, words }
}

use Class::{Refuse, Retry, Stop};

/// Meta's.
pub const META: &[Code] = &[
    code(1, Retry, 500, "An unknown error occurred"),
    code(2, Retry, 503, "Service temporarily unavailable"),
    code(4, Retry, 429, "Application request limit reached"),
    code(80007, Retry, 429, "Rate limit hit"),
    code(130_429, Retry, 429, "Rate limit hit"),
    code(131_056, Retry, 429, "(Business Account, Consumer Account) pair rate limit hit"),
    code(131_048, Retry, 429, "Spam rate limit hit"),
    code(131_057, Retry, 503, "Business Account is in maintenance mode"),
    code(131_016, Retry, 503, "Service overloaded"),
    code(100, Refuse, 400, "Invalid parameter"),
    code(131_047, Refuse, 400, "Re-engagement message"),
    code(131_051, Refuse, 400, "Unsupported message type"),
    code(131_053, Refuse, 400, "Media upload error"),
    code(132_001, Refuse, 404, "Template does not exist"),
    code(131_026, Refuse, 400, "Message undeliverable"),
    code(131_021, Refuse, 400, "Recipient cannot be sender"),
    code(130_472, Refuse, 400, "User's number is part of an experiment"),
    code(131_049, Refuse, 400, "This message was not delivered to maintain healthy ecosystem engagement"),
    code(0, Stop, 401, "AuthException"),
    code(190, Stop, 401, "Access token has expired"),
    code(368, Stop, 403, "Temporarily blocked for policies violations"),
    code(131_031, Stop, 403, "Business Account locked"),
    code(131_042, Stop, 402, "Business eligibility payment issue"),
    code(133_016, Stop, 400, "Account register deregister rate limit exceeded"),
];

/// Twilio's.
pub const TWILIO: &[Code] = &[
    code(20429, Retry, 429, "Too Many Requests"),
    code(30008, Retry, 500, "Unknown error"),
    code(63018, Retry, 429, "Rate limit exceeded for Channel"),
    code(21610, Refuse, 400, "Attempt to send to unsubscribed recipient"),
    code(21211, Refuse, 400, "Invalid 'To' Phone Number"),
    code(21614, Refuse, 400, "'To' number is not a valid mobile number"),
    code(21617, Refuse, 400, "The concatenated message body exceeds the 1600 character limit"),
    code(30007, Refuse, 400, "Message filtered"),
    code(63016, Refuse, 400, "Failed to send freeform message because you are outside the allowed window"),
    code(20003, Stop, 401, "Authenticate"),
];

pub fn is_known(wanted: i64) -> bool {
    all().any(|known| known.code == wanted)
}

pub fn listed() -> String {
    all().map(|known| known.code.to_string()).collect::<Vec<_>>().join(", ")
}

/// Of these codes of this provider's the wanted ones; where none is wanted, those that are worth another try.
pub fn among(table: &'static [Code], wanted: &[i64]) -> Vec<&'static Code> {
    let named: Vec<_> = table.iter().filter(|known| wanted.contains(&known.code)).collect();
    match wanted {
        [] => table.iter().filter(|known| known.class == Class::Retry).collect(),
        _ => named,
    }
}

fn all() -> impl Iterator<Item = &'static Code> {
    META.iter().chain(TWILIO)
}
