//! Conformance reports: what is right passes, and what is wrong is named.

use ::http::Method;
use serde_json::{Value, json};

use crate::{app::TestApp, world::Flaw};

fn failed(report: &Value) -> Vec<String> {
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["passed"] == false);
    checks.map(|check| check["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_report_has_every_group_and_is_kept() {
    let app = TestApp::start();
    let report = app.post("/simulate/conformance/whatsapp", &json!({}));
    let groups: std::collections::BTreeSet<&str> =
        report["checks"].as_array().unwrap().iter().map(|check| check["group"].as_str().unwrap()).collect();
    assert_eq!(groups.into_iter().collect::<Vec<_>>(), ["chaos", "content", "protocol", "statuses", "vectors"]);
    let count = |name: &str| report[name].as_u64().unwrap();
    assert_eq!(
        count("checks_passed") + count("checks_failed"),
        u64::try_from(report["checks"].as_array().unwrap().len()).unwrap()
    );
    assert_eq!(app.get("/simulate/conformance/whatsapp"), report);
}

/// The platform of these tests is smaller than the real one: it verifies no subscription and keeps no statuses. The report says just that.
#[test]
fn what_an_adapter_cannot_do_is_named() {
    let app = TestApp::start();
    let missing = failed(&app.post("/simulate/conformance/whatsapp", &json!({})));
    assert!(missing.contains(&"the verification is answered with its challenge".to_owned()), "{missing:?}");
    assert!(missing.contains(&"backwards".to_owned()), "no statuses: {missing:?}");
    for right in [
        "GitHub's signature",
        "a webhook without a signature is 401",
        "one with a wrong signature is 401",
        "one whose body was changed is 401",
        "of three repetitions, two at once, one is accepted and two are duplicates",
        "text arrives as itself, with its words",
        "nothing is lost, doubled, altered or out of order",
    ] {
        assert!(!missing.contains(&right.to_owned()), "{right}");
    }
}

#[test]
fn a_flaw_of_the_platform_fails_the_chaos() {
    for flaw in [Flaw::Loses, Flaw::Doubles, Flaw::Reverses, Flaw::Mangles] {
        let app = TestApp::start();
        app.world.flaw.set(flaw);
        let report = app.post("/simulate/conformance/whatsapp", &json!({}));
        assert_eq!(report["passed"], false);
        assert!(failed(&report).contains(&"nothing is lost, doubled, altered or out of order".to_owned()), "{flaw:?}");
    }
}

#[test]
fn other_channels_and_missing_reports_are_not_there() {
    let app = TestApp::start();
    assert_eq!(app.refused(Method::POST, "/simulate/conformance/pigeon", &json!({})).0, 404);
    assert_eq!(app.refused(Method::GET, "/simulate/conformance/pigeon", &json!({})).0, 404);
    assert_eq!(app.refused(Method::GET, "/simulate/conformance/sms", &json!({})).0, 404, "none was made yet");
}
