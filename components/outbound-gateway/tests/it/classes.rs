//! What each provider's codes come to: every code of the tables, as the provider tells it.

use outbound_gateway::domain::Done;
use outbound_gateway::domain::services::Ended;
use serde_json::{Value, json};

use crate::support::*;

/// What an answer comes to, in a word.
fn verdict(world: &World, status: u16, body: Value) -> &'static str {
    world.is(Mood::Answers(status, body));
    let stops = || world.memory.scalar("SELECT count(*) FROM channel_stops");
    match world.deliver("e1") {
        Err(_) => "retry",
        Ok(Done::Ended(Ended::Failed(_))) if stops() == 1 => "stop",
        Ok(Done::Ended(Ended::Failed(_))) => "refused",
        Ok(Done::Ended(Ended::Unknown(_))) => "unknown",
        Ok(Done::Ended(Ended::Sent(_))) => "sent",
        Ok(Done::Nothing) => "nothing",
    }
}

#[test]
fn whatsapps_codes() {
    let codes: [(&str, &[i64]); 3] = [
        ("retry", &[1, 2, 4, 80007, 130429, 131056, 131048, 131057, 131060, 131016]),
        ("refused", &[100, 131047, 132000, 132999, 131051, 131052, 131053, 131026, 131021, 130472, 131049]),
        ("stop", &[0, 190, 200, 299, 368, 131031, 131042, 133016]),
    ];
    for (expected, codes) in codes {
        for code in codes {
            // The status says little: Meta answers many of them with 400.
            for status in [400, 500] {
                let world = World::whatsapp();
                let error = json!({"error": {"code": code, "message": "(#x) Title", "error_data": {"details": "What is wrong"}}});
                assert_eq!(verdict(&world, status, error), expected, "{code} with {status}");
                if expected != "retry" {
                    let Ended::Failed(failure) = world.last_report().ended else { panic!() };
                    assert_eq!((failure.code, failure.reason.as_str()), (Some(code.to_string()), "What is wrong"));
                }
            }
        }
    }
    assert_eq!(verdict(&World::whatsapp(), 400, json!({"error": {"code": 999_999}})), "refused");
    assert_eq!(verdict(&World::whatsapp(), 401, json!({})), "stop");
}

#[test]
fn the_pair_limit_waits_four_times_longer_each_time() {
    let world = World::whatsapp();
    world.set("outbound_retry_ms", "1000,1000,1000");
    world.is(Mood::Answers(400, json!({"error": {"code": 131056, "message": "pair rate limit"}})));
    for seconds in [4, 16, 64] {
        assert_eq!(world.deliver("e1").unwrap_err().seconds, seconds);
        world.pass(std::time::Duration::from_secs(seconds));
    }
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Failed(_))));
}

#[test]
fn twilios_codes() {
    let codes: [(&str, u16, &[i64]); 3] = [
        ("retry", 400, &[20429, 30008, 63018]),
        ("refused", 400, &[21610, 21211, 21614, 21617, 30007, 63016]),
        ("stop", 401, &[20003, 30002]),
    ];
    for (expected, status, codes) in codes {
        for code in codes {
            let error = json!({"code": code, "message": "What is wrong", "more_info": "…", "status": status});
            assert_eq!(verdict(&World::sms(), status, error), expected, "{code}");
        }
    }
    assert_eq!(verdict(&World::sms(), 429, json!({})), "retry");
    let uncertain = json!({"code": 20500, "message": "Internal Server Error"});
    for (status, body) in [(500, json!({})), (500, uncertain), (503, json!({}))] {
        let world = World::sms();
        assert_eq!((verdict(&world, status, body), world.sent()), ("retry", 1));
        let is_in_doubt = "SELECT count(*) FROM deliveries WHERE json_extract(outcome, '$.doubt_since') IS NOT NULL";
        assert_eq!(world.memory.scalar(is_in_doubt), 1, "it is asked before it is given the message again");
    }
}

#[test]
fn telegrams_codes() {
    for (expected, code, description) in [
        ("retry", 429, "Too Many Requests: retry after 5"),
        ("unknown", 500, "Internal Server Error"),
        ("refused", 400, "Bad Request: chat not found"),
        ("refused", 403, "Forbidden: bot was blocked by the user"),
        ("stop", 401, "Unauthorized"),
        ("stop", 404, "Not Found"),
    ] {
        let error = json!({"ok": false, "error_code": code, "description": description});
        assert_eq!(verdict(&World::telegram(), code, error), expected, "{description}");
    }
    let world = World::telegram();
    world.is(Mood::Answers(429, json!({"ok": false, "error_code": 429, "parameters": {"retry_after": 33}})));
    assert_eq!(world.deliver("e1").unwrap_err().seconds, 33);
}

#[test]
fn the_mail_services_codes() {
    for (expected, status, code) in [
        ("stop", 401, 10),
        ("stop", 422, 405),
        ("refused", 422, 300),
        ("refused", 422, 406),
        ("refused", 422, 400),
        ("retry", 503, 100),
        ("retry", 429, 429),
    ] {
        let error = json!({"ErrorCode": code, "Message": "What is wrong"});
        assert_eq!(verdict(&World::email(), status, error), expected, "{code}");
    }
}

#[test]
fn the_webhooks_statuses() {
    for (status, expected) in [
        (200, "sent"),
        (202, "sent"),
        (204, "sent"),
        (410, "stop"),
        (401, "stop"),
        (429, "retry"),
        (500, "retry"),
        (502, "retry"),
        (503, "retry"),
        (504, "retry"),
        (400, "refused"),
        (422, "refused"),
        (404, "refused"),
    ] {
        assert_eq!(verdict(&World::webhook(), status, json!({})), expected, "{status}");
    }
    assert_eq!(verdict(&World::webhook(), 302, json!({})), "retry", "redirects are not followed");
}
