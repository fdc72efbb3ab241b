//! An attempt that the provider may have taken is settled before it is made again.

use outbound_gateway::domain::Done;
use outbound_gateway::domain::services::Ended;
use outbound_gateway::provider::Earlier;
use serde_json::{Value, json};

use crate::support::*;

/// As Twilio shows a message of ours, `seconds` after the start.
fn listed(sid: &str, seconds: i64, more: &Value) -> Value {
    let at = 1_749_420_000 + seconds;
    assert!((1_749_420_000..1_749_420_060).contains(&at), "the times below are written for this minute");
    let mut one = json!({
        "sid": sid, "to": "+16505551234", "from": "+15550783881", "body": "Yes, it does!", "status": "sent",
        "direction": "outbound-api", "date_created": format!("Sun, 08 Jun 2025 22:00:{:02} +0000", at - 1_749_420_000),
        "messaging_service_sid": null,
    });
    one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    one
}

fn lists(world: &World, messages: Vec<Value>) {
    world.answers.replace(Mood::Answers(200, json!({ "messages": messages, "next_page_uri": null })));
}

/// The faults after which nobody knows.
fn faults() -> [Mood; 6] {
    [
        Mood::Hangs,
        Mood::Closes,
        Mood::AnswersText(500, "oops"),
        Mood::AnswersText(503, ""),
        Mood::AnswersText(502, "<html>"),
        Mood::AnswersText(201, "half an ans"),
    ]
}

#[test]
fn twilio_is_asked_and_what_it_has_is_not_sent_again() {
    for fault in faults() {
        let world = World::sms();
        world.is(fault.clone());
        let wait = world.deliver("e1").unwrap_err();
        assert_eq!(wait.seconds, 10, "it is left in peace first: {fault:?}");
        world.is(taken("sms"));
        lists(&world, vec![listed("SM7", 1, &json!({}))]);
        assert_eq!(world.deliver_to_the_end("e1"), Done::Ended(Ended::Sent("SM7".to_owned())), "{fault:?}");
        assert_eq!((world.sent(), world.asked()), (1, 1));
        let question = world.last_call();
        let path = "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json";
        assert_eq!(question.uri().to_string(), format!("{path}?To=%2B16505551234&PageSize=200&From=%2B15550783881"));
        assert_eq!(question.headers()["authorization"], "Basic QUMxOnR3LXRva2Vu");
    }
}

#[test]
fn what_twilio_never_took_is_sent_in_the_same_attempt() {
    for fault in faults() {
        let world = World::sms();
        world.is(fault.clone());
        world.deliver("e1").unwrap_err();
        world.is(taken("sms"));
        lists(&world, Vec::new());
        assert_eq!(world.deliver_to_the_end("e1"), Done::Ended(Ended::Sent("SM1".to_owned())), "{fault:?}");
        assert_eq!((world.sent(), world.asked()), (2, 1));
    }
}

#[test]
fn a_crash_is_settled_as_any_other_uncertain_end() {
    for (found, expected, sent) in [(vec![listed("SM7", 2, &json!({}))], "SM7", 1), (Vec::new(), "SM1", 2)] {
        let world = World::sms();
        crate::crashes::dies_while_calling(&world, "e1");
        world.is(taken("sms"));
        lists(&world, found);
        assert_eq!(world.deliver_to_the_end("e1"), Done::Ended(Ended::Sent(expected.to_owned())));
        assert_eq!(world.sent(), sent);
    }
}

#[test]
fn another_message_is_not_taken_for_this_one() {
    let others = [
        json!({ "body": "Yes, it does" }),
        json!({ "from": "+15550000000" }),
        json!({ "direction": "inbound" }),
        json!({ "date_created": "Sun, 08 Jun 2025 21:58:00 +0000" }),
        json!({ "date_created": "yesterday" }),
        json!({ "sid": "SMearlier" }),
        json!({ "sid": null }),
    ];
    for other in others {
        let world = World::sms();
        // The customer was told the same before.
        let said = Earlier { external_id: Some("SMearlier".to_owned()), ..Earlier::default() };
        world.earlier.replace(vec![said]);
        world.is(Mood::Closes);
        world.deliver("e1").unwrap_err();
        world.is(taken("sms"));
        lists(&world, vec![listed("SM7", 1, &other)]);
        assert_eq!(world.deliver_to_the_end("e1"), Done::Ended(Ended::Sent("SM1".to_owned())), "{other}");
        assert_eq!(world.sent(), 2, "{other}");
    }
}

#[test]
fn a_messaging_service_is_known_by_its_own_name() {
    let world = World::new("sms", "MG1", "phone", "16505551234");
    world.is(Mood::Closes);
    world.deliver("e1").unwrap_err();
    lists(&world, vec![listed("SM7", 1, &json!({ "messaging_service_sid": "MG1", "from": "+15559999999" }))]);
    assert_eq!(world.deliver_to_the_end("e1"), Done::Ended(Ended::Sent("SM7".to_owned())));
    assert!(!world.last_call().uri().query().unwrap().contains("From="));
}

#[test]
fn a_provider_that_does_not_say_leaves_it_unknown_and_gets_nothing_twice() {
    let silent = [
        Mood::Hangs,
        Mood::AnswersText(500, ""),
        Mood::AnswersText(200, "<html>"),
        // There is more than was shown.
        Mood::Answers(200, json!({ "messages": [], "next_page_uri": "/2010-04-01/Accounts/AC1/Messages.json?Page=1" })),
    ];
    for mood in silent {
        let world = World::sms();
        world.is(Mood::Closes);
        world.deliver("e1").unwrap_err();
        world.is(taken("sms"));
        world.answers.replace(mood.clone());
        let Done::Ended(ended @ Ended::Unknown(_)) = world.deliver_to_the_end("e1") else { panic!("{mood:?}") };
        assert_eq!((code(&ended), world.sent(), world.asked()), ("unsettled", 1, 3), "{mood:?}");
    }
}

#[test]
fn what_may_not_be_sent_any_more_is_still_asked_for() {
    for (found, expected) in [(vec![listed("SM7", 1, &json!({}))], "sent"), (Vec::new(), "too_long")] {
        let world = World::sms();
        world.is(Mood::Closes);
        world.deliver("e1").unwrap_err();
        // Edited meanwhile, which nobody should; the list shows what was sent.
        let body = "x".repeat(1601);
        world.message.borrow_mut().as_mut().unwrap().body = Some(body.clone());
        let found = found
            .into_iter()
            .map(|one| {
                let mut one = one;
                one["body"] = body.clone().into();
                one
            })
            .collect();
        lists(&world, found);
        let Done::Ended(ended) = world.deliver_to_the_end("e1") else { panic!() };
        assert_eq!((code(&ended), world.sent()), (expected, 1));
    }
}

#[test]
fn the_mail_service_is_asked_by_our_own_id_and_its_silence_proves_nothing() {
    let world = World::email();
    world.is(Mood::Hangs);
    world.deliver("e1").unwrap_err();
    world.is(taken("email"));
    world.answers.replace(Mood::Answers(200, json!({ "TotalCount": 0, "Messages": [] })));
    world.pass(std::time::Duration::from_secs(10));
    world.deliver("e1").unwrap_err();
    let question = world.last_call();
    let uri = format!("https://api.postmarkapp.com/messages/outbound?count=1&offset=0&metadata_message_id={MESSAGE}");
    assert_eq!(
        (&question.uri().to_string(), &question.headers()["x-postmark-server-token"]),
        (&uri, &"pm-token".parse().unwrap())
    );
    world.answers.replace(Mood::Answers(200, json!({ "TotalCount": 1, "Messages": [{ "MessageID": "pm-9" }] })));
    assert_eq!(world.deliver_to_the_end("e1"), Done::Ended(Ended::Sent("pm-9".to_owned())));
    assert_eq!((world.sent(), world.asked()), (1, 2));

    let world = World::email();
    world.is(Mood::Hangs);
    world.deliver("e1").unwrap_err();
    world.answers.replace(Mood::Answers(200, json!({ "TotalCount": 0, "Messages": [] })));
    let Done::Ended(ended @ Ended::Unknown(_)) = world.deliver_to_the_end("e1") else { panic!() };
    assert_eq!((code(&ended), world.sent()), ("not_found", 1));
}

#[test]
fn a_report_that_settles_it_meanwhile_ends_the_order() {
    let world = World::sms();
    world.is(Mood::Closes);
    world.deliver("e1").unwrap_err();
    world.message.borrow_mut().as_mut().unwrap().is_queued = false;
    assert_eq!(world.deliver_to_the_end("e1"), Done::Nothing);
    assert_eq!((world.sent(), world.asked()), (1, 0));
}

#[test]
fn a_busy_provider_that_says_when_is_simply_tried_again() {
    for status in [503, 529] {
        for world in [World::whatsapp(), World::sms(), World::telegram(), World::email()] {
            world.is(Mood::AnswersLater(status, json!({}), 20));
            assert_eq!(world.deliver("e1").unwrap_err().seconds, 20);
            world.is(taken(&world.conversation.borrow().channel.clone().unwrap()));
            assert!(matches!(world.deliver_to_the_end("e1"), Done::Ended(Ended::Sent(_))));
            assert_eq!((world.sent(), world.asked()), (2, 0));
        }
    }
}
