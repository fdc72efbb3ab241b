//! Channel accounts: a tenant registers its own, and its webhooks are its own secret's to sign.

use http::Method;
use kobliat_e2e::whatsapp::{self, PATH, SIGNATURE, signature, signature_with};
use kobliat_e2e::{Mode, Outside, TestApp, eventually, in_both_modes};
use serde_json::{Value, json};

const NUMBER: &str = "206540352242922";
const SECRET: &str = "acme's own app secret";

/// A key of a new tenant's administrator.
pub async fn administrator(app: &TestApp, tenant: &str) -> String {
    app.post("/api/v1/tenants", &json!({ "id": tenant })).await.expect(201);
    let key = json!({ "name": "admin", "tenant": tenant, "scopes": ["admin"] });
    app.post("/api/v1/api-keys", &key).await.expect(201)["key"].as_str().unwrap().to_owned()
}

pub async fn ask(app: &Outside, key: &str, method: Method, path: &str, body: &Value) -> kobliat_e2e::Reply {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    app.send(method, path, &[("x-api-key", key)], body).await
}

fn one_text(id: &str) -> String {
    let value = json!({ "contacts": [whatsapp::contact("16505550007", "Ann")], "messages": [whatsapp::text(id, "16505550007", "Hello")] });
    whatsapp::payload(&[whatsapp::change(NUMBER, value)]).to_string()
}

async fn webhook(app: &Outside, path: &str, body: &str, signature: &str) -> kobliat_e2e::Reply {
    app.send(Method::POST, path, &[(SIGNATURE, signature)], body.to_owned()).await
}

in_both_modes! {
    async fn a_tenant_s_account_is_verified_by_its_own_secret(mode: Mode) {
        let app = TestApp::start(mode).await;
        let (acme, other) = (administrator(&app, "acme").await, administrator(&app, "other").await);
        let credentials = json!({ "app_secret": SECRET, "access_token": "EAAG-secret", "verify_token": "acme verifies" });
        let new = json!({ "kind": "whatsapp", "provider_id": NUMBER, "name": "Shop", "credentials": credentials });
        let created = ask(&app, &acme, Method::POST, "/api/v1/channels", &new).await;
        let location = created.header("location").unwrap().to_owned();
        let account = created.expect(201);
        assert_eq!(account["status"], "pending");
        assert_eq!(account["credentials_set"], json!(["access_token", "app_secret", "verify_token"]));
        assert_eq!(location, format!("/api/v1/channels/{}", account["id"].as_str().unwrap()));
        let shown = ask(&app, &acme, Method::GET, &location, &Value::Null).await;
        assert!(!shown.text().contains("EAAG") && !shown.text().contains("own app secret"));
        ask(&app, &other, Method::GET, &location, &Value::Null).await.expect_problem(404, "not_found");

        let body = one_text("wamid.acme-1");
        let guessed = signature_with("a guess", body.as_bytes());
        webhook(&app, PATH, &body, &guessed).await.expect_problem(401, "unauthenticated");
        let own = signature_with(SECRET, body.as_bytes());
        assert_eq!(webhook(&app, PATH, &body, &own).await.expect(200)["accepted"], 1);
        assert_eq!(ask(&app, &acme, Method::GET, &location, &Value::Null).await.expect(200)["status"], "active");
        ask(&app, &other, Method::POST, "/api/v1/channels", &new).await.expect_problem(409, "conflict");
        let theirs = ask(&app, &acme, Method::GET, "/api/v1/conversations", &Value::Null).await.expect(200);
        assert_eq!(theirs["data"][0]["last_message_preview"], "Hello");
        assert_eq!(app.conversations().await.len(), 0, "the default tenant has none of it");
        let query = "hub.mode=subscribe&hub.challenge=42&hub.verify_token=acme%20verifies";
        let verified = app.send(Method::GET, &format!("{}?{query}", account["webhook_path"].as_str().unwrap()), &[], "").await;
        assert_eq!((verified.status, verified.text().as_str()), (200, "42"));

        ask(&app, &acme, Method::PATCH, &location, &json!({ "status": "disabled" })).await.expect(200);
        let body = one_text("wamid.acme-2");
        let own = signature_with(SECRET, body.as_bytes());
        assert_eq!(webhook(&app, PATH, &body, &own).await.expect(200)["ignored"], 1);
        assert_eq!(ask(&app, &acme, Method::DELETE, &location, &Value::Null).await.status, 204);
        webhook(&app, PATH, &body, &own).await.expect_problem(401, "unauthenticated");
        app.stop().await;
    }
}

/// Each of these numbers gets a text.
fn texts(ids: &[(&str, &str)]) -> String {
    let change = |(number, id): &(&str, &str)| {
        let value = json!({ "contacts": [whatsapp::contact("16505550008", "Bob")], "messages": [whatsapp::text(id, "16505550008", "Hi")] });
        whatsapp::change(number, value)
    };
    whatsapp::payload(&ids.iter().map(change).collect::<Vec<_>>()).to_string()
}

async fn inbox(app: &Outside, key: &str) -> usize {
    let all = ask(app, key, Method::GET, "/api/v1/conversations", &Value::Null).await.expect(200);
    all["data"].as_array().unwrap().len()
}

in_both_modes! {
    async fn nobody_silences_another_s_number_by_claiming_it(mode: Mode) {
        const NAMED: &str = "306540352242922";
        let app = TestApp::start_with(mode, &[("whatsapp_phone_number_id", NAMED)]).await;
        let (thief, acme) = (administrator(&app, "thief").await, administrator(&app, "acme").await);
        let claim = |number: &str, secret: &str| {
            json!({ "kind": "whatsapp", "provider_id": number, "credentials": { "app_secret": secret } })
        };
        let new = claim(NAMED, "invented");
        ask(&app, &thief, Method::POST, "/api/v1/channels", &new).await.expect_problem(409, "conflict");
        let claimed = ask(&app, &thief, Method::POST, "/api/v1/channels", &claim(NUMBER, "invented")).await.expect(201);
        assert_eq!(claimed["status"], "pending");

        // The deployment's number goes on, also in one body with others, and also after the thief has signed something itself.
        let body = texts(&[(NUMBER, "wamid.1"), (NAMED, "wamid.2")]);
        let answer = webhook(&app, PATH, &body, &signature(body.as_bytes())).await.expect(200);
        assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(2), &Value::Null));
        let forged = texts(&[(NUMBER, "wamid.3")]);
        webhook(&app, PATH, &forged, &signature_with("invented", forged.as_bytes())).await.expect(200);
        let body = texts(&[(NUMBER, "wamid.4")]);
        assert_eq!(webhook(&app, PATH, &body, &signature(body.as_bytes())).await.expect(200)["accepted"], 1);
        assert_eq!((app.conversations().await.len(), inbox(&app, &thief).await), (2, 1));

        // What a tenant's own secret does not speak for is not acknowledged: it comes again once the number is registered.
        let (first, second) = ("406540352242922", "506540352242922");
        ask(&app, &acme, Method::POST, "/api/v1/channels", &claim(first, SECRET)).await.expect(201);
        let body = texts(&[(first, "wamid.5"), (second, "wamid.6")]);
        let own = signature_with(SECRET, body.as_bytes());
        webhook(&app, PATH, &body, &own).await.expect_problem(403, "account_not_signed");
        assert_eq!(inbox(&app, &acme).await, 1);
        ask(&app, &acme, Method::POST, "/api/v1/channels", &claim(second, SECRET)).await.expect(201);
        let answer = webhook(&app, PATH, &body, &own).await.expect(200);
        assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(1), &json!(1)));
        assert_eq!(inbox(&app, &acme).await, 2);
        app.stop().await;
    }
}

in_both_modes! {
    async fn operators_see_what_became_of_each_webhook(mode: Mode) {
        let app = TestApp::start(mode).await;
        let acme = administrator(&app, "acme").await;
        let messages = json!([whatsapp::text("wamid.1", "16505550007", "Hello"), { "type": "text" }]);
        let value = json!({ "contacts": [whatsapp::contact("16505550007", "Ann")], "messages": messages });
        let body = whatsapp::payload(&[whatsapp::change(NUMBER, value)]).to_string();
        let answer = webhook(&app, PATH, &body, &signature(body.as_bytes())).await.expect(200);
        assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(1), &json!(1)));
        let listed = eventually("the outcome is written down", async || {
            let page = app.get("/api/v1/inbound-deliveries?outcome=rejected").await.expect(200);
            page["data"].as_array().unwrap().first().cloned()
        })
        .await;
        assert_eq!((&listed["status"], &listed["items"]["accepted"]), (&json!("done"), &json!(1)));
        assert!(listed["problems"][0]["reason"].is_string());
        let path = format!("/api/v1/inbound-deliveries/{}", listed["id"].as_str().unwrap());
        assert_eq!(app.get(&path).await.expect(200)["body"], body);
        ask(&app, &acme, Method::GET, &path, &Value::Null).await.expect_problem(404, "not_found");
        assert_eq!(app.get("/api/v1/inbound-deliveries?status=failed").await.expect(200)["data"], json!([]));

        let redriven = app.api(Method::POST, &format!("{path}/redrive"), &[], "").await.expect(202);
        assert_eq!((&redriven["id"], &redriven["status"]), (&listed["id"], &json!("pending")));
        eventually("it is done again", async || {
            let again = app.get(&path).await.expect(200);
            (again["status"] == "done").then_some(again)
        })
        .await;
        let conversation = &app.conversations().await[0];
        assert_eq!(conversation["unread_count"], 1, "what was accepted is not done twice");
        app.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_outside_reaches_what_components_ask_each_other() {
    let app = TestApp::start(Mode::Links).await;
    let forged =
        [("kobliat-tenant", "default"), ("kobliat-scopes", "*"), ("kobliat-principal", "component:outbound-gateway")];
    for path in [
        "/channels",
        "/internal/accounts/whatsapp",
        "/inbound-deliveries",
        "/webhooks/../inbound-deliveries",
        "/webhooks/../internal/accounts/whatsapp",
        "/webhooks/../channels",
        "/webhooks/%2e%2e/channels",
        "/webhooks//channels",
        "/api/webhooks/../../internal/accounts/whatsapp",
        "/api/v1/internal/accounts/whatsapp",
    ] {
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nspin-path-info: /channels\r\n");
        let forged: String = forged.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let answer = app.raw(format!("{head}{forged}\r\n").as_bytes()).await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(["400", "401", "404", "405"].contains(&status), "{path}: {answer}");
    }
    app.stop().await;
}
