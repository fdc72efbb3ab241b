//! The two forms of a moment.

use sdk::clock::{http_date, mail_date, parse_rfc3339, rfc3339};

#[test]
fn shows_milliseconds_in_utc() {
    assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(rfc3339(1_749_416_383_123_999), "2025-06-08T20:59:43.123Z");
    assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999Z");
    assert_eq!(rfc3339(951_782_400_000_000), "2000-02-29T00:00:00.000Z");
}

#[test]
fn reads_any_offset_and_fraction() {
    assert_eq!(parse_rfc3339("2025-06-08T20:59:43.123999Z"), Some(1_749_416_383_123_999));
    assert_eq!(parse_rfc3339("2025-06-08T22:59:43+02:00"), Some(1_749_416_383_000_000));
    assert_eq!(parse_rfc3339("2025-06-08t20:59:43.5z"), Some(1_749_416_383_500_000));
}

#[test]
fn survives_the_way_there_and_back() {
    for day in (-800_000_i64..800_000).step_by(97) {
        let at = day * 86_400_000_000 + 1_234_000;
        let year = &rfc3339(at)[..4];
        if !year.starts_with('-') {
            assert_eq!(parse_rfc3339(&rfc3339(at)), Some(at), "{}", rfc3339(at));
        }
    }
}

#[test]
fn refuses_what_is_no_time() {
    let wrong = [
        "",
        "today",
        "2025-06-08",
        "2025-02-30T00:00:00Z",
        "2025-13-01T00:00:00Z",
        "2025-06-08T24:00:00Z",
        "2025-06-08T20:59:43",
        "2025-06-08T20:59:43+2:00",
        "2025-06-08T20:59:43.Z",
        "2025-6-8T20:59:43Z",
        "2025-06-08T20:59:60Z",
        "+025-06-08T20:59:43Z",
        "2025-06-08T20:59:43ZZ",
        "日本-06-08T20:59:43Z",
    ];
    for text in wrong {
        assert_eq!(parse_rfc3339(text), None, "{text}");
    }
}

#[test]
fn reads_the_dates_of_http_and_of_mail() {
    let expected = Some(1_692_853_305_000_000);
    for text in ["Thu, 24 Aug 2023 05:01:45 GMT", "Thu, 24 Aug 2023 05:01:45 +0000", "Thursday, 24-Aug-23 05:01:45 GMT"]
    {
        assert_eq!(http_date(text), expected, "{text}");
    }
    assert_eq!(http_date(&mail_date(1_692_853_305_999_999)), expected);
    for text in ["", "2023-08-24T05:01:45Z", "Thu, 24 Aug 2023 05:01:45 +0200", "Thu, 24 Aug 1923 05:01:45 GMT"] {
        assert_eq!(http_date(text), None, "{text}");
    }
}
