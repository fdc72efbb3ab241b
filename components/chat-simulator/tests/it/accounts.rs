//! Other tenants than the default one: an account of the simulator's own in each, that nobody lends it.

use ::http::Method;
use chat_simulator::run;
use sdk::testing::{block_on, json};
use serde_json::{Value, json};

use crate::app::{SECOND, TestApp};

const ACME: [(&str, &str); 1] = [("kobliat-tenant", "acme")];

impl TestApp {
    #[track_caller]
    fn as_acme(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let response = self.send_with(method, path, &body.to_string(), &ACME);
        (response.status().as_u16(), json(&response))
    }
}

fn shopper() -> Value {
    json!({ "scenario": "curious_shopper" })
}

#[test]
fn a_tenant_s_customers_write_to_an_account_that_is_registered_for_them_once() {
    let app = TestApp::start();
    let (status, told) = app.as_acme(Method::POST, "/simulate", &shopper());
    assert_eq!((status, &told["status"]), (200, &json!("success")), "{told}");
    let accounts = app.world.channels.all();
    assert_eq!((accounts.len(), &accounts[0]["tenant"], &accounts[0]["kind"]), (1, &json!("acme"), &json!("whatsapp")));
    let account = accounts[0]["provider_id"].as_str().unwrap();
    assert!(account.starts_with("999"), "a number of nobody's: {account}");
    assert_eq!(told["conversation"]["channel_account_id"], account);
    assert!(app.world.webhooks.borrow()[0].url.ends_with(&format!("/webhooks/whatsapp/{account}")));
    assert_ne!(accounts[0]["credentials"]["app_secret"], "app-secret", "not the deployment's");

    app.as_acme(Method::POST, "/simulate", &shopper());
    assert_eq!(app.world.channels.all(), accounts, "made once, and left alone");
    app.send_with(Method::POST, "/simulate", &shopper().to_string(), &[("kobliat-tenant", "globex")]);
    let accounts = app.world.channels.all();
    assert_ne!(accounts[0]["provider_id"], accounts[1]["provider_id"]);
    assert_ne!(accounts[0]["credentials"], accounts[1]["credentials"]);
}

#[test]
fn twilio_s_number_is_registered_as_twilio_writes_it() {
    let app = TestApp::start();
    let (status, told) = app.as_acme(Method::POST, "/simulate", &json!({ "scenario": "haggler", "channel": "sms" }));
    assert_eq!(status, 200, "{told}");
    let number = app.world.channels.all()[0]["provider_id"].as_str().unwrap().to_owned();
    assert!(number.starts_with("+999"), "{number}");
    let sent = app.world.webhooks.borrow()[0].clone();
    assert!(sent.url.ends_with("/webhooks/sms"));
    assert!(String::from_utf8(sent.body).unwrap().contains(&format!("To={}", number.replace('+', "%2B"))));
}

#[test]
fn an_account_that_somebody_changed_or_deleted_is_put_right() {
    let app = TestApp::start();
    let says = || app.as_acme(Method::POST, "/simulate", &shopper()).1["status"].clone();
    assert_eq!(says(), "success");
    app.world.channels.change(&json!({ "credentials": { "app_secret": "another" } }));
    assert_eq!(says(), "success", "its credentials were changed");
    app.world.channels.delete();
    assert_eq!(says(), "success", "it was deleted");
    app.world.set("whatsapp_app_secret", "the deployment has another one now");
    assert_eq!(says(), "success", "and what its secret is made of was changed");
}

#[test]
fn a_disabled_account_is_refused_with_what_to_do() {
    let app = TestApp::start();
    app.as_acme(Method::POST, "/simulate", &shopper());
    app.world.channels.change(&json!({ "status": "disabled" }));
    let (status, problem) = app.as_acme(Method::POST, "/simulate", &shopper());
    assert!(status == 409 && problem["detail"].as_str().unwrap().contains("PATCH /channels/id-0"), "{problem}");
    assert_eq!(app.world.webhooks.borrow().len(), 1);
}

#[test]
fn a_tenant_s_run_is_sent_to_its_account_and_seen_by_nobody_else() {
    let app = TestApp::start();
    let order = json!({ "customers": 5, "messages": 40, "chaos": 0.3 });
    let (_, started) = app.as_acme(Method::POST, "/simulate/run", &order);
    let path = format!("/simulate/runs/{}", started["id"].as_str().unwrap());
    block_on(run::round(&app.service, 60 * SECOND)).unwrap();
    let (_, told) = app.as_acme(Method::GET, &path, &json!({}));
    assert_eq!((&told["status"], &told["accepted"], &told["lost"]), (&json!("done"), &json!(40), &json!(0)), "{told}");
    assert_eq!(told["customers"]["channel_account_id"], app.world.channels.all()[0]["provider_id"]);
    assert_eq!(app.refused(Method::GET, &path, &json!({})).0, 404);
}

#[test]
fn what_an_agent_of_a_tenant_s_sends_is_reported_with_the_tenant_s_secret() {
    let app = TestApp::start();
    app.as_acme(Method::POST, "/simulate", &shopper());
    let account = app.world.channels.all()[0]["provider_id"].as_str().unwrap().to_owned();
    let path = format!("/v23.0/{account}/messages");
    app.sends_by(&path, "999123456789", "to somebody of a run's");
    app.advance(5 * SECOND);
    app.reports();
    assert_eq!(app.statuses(), ["sent", "delivered", "read"], "each taken the first time");
    assert_eq!(app.get("/simulate/emulator/messages")["data"], json!([]), "not the default tenant's");
    let (_, listed) = app.as_acme(Method::GET, "/simulate/emulator/messages", &json!({}));
    assert_eq!(listed["data"][0]["text"], "to somebody of a run's");
}
