//! A claim takes nothing away: it is pending until a webhook comes that its own secret signs, and counts for that secret alone.

use http::{Method, StatusCode};
use inbound_gateway::http::router;
use sdk::testing::{json, request};
use serde_json::{Value, json};

use super::webhooks::{DEPLOYMENTS, register, send, tenants, to};
use super::{ask, ask_as, made, path, whatsapp, world};
use crate::support::*;

const WEBHOOKS: &str = "/webhooks/whatsapp";

fn status(world: &World, tenant: &str, account: &Value) -> String {
    let shown = json(&ask(world, tenant, Method::GET, &path(account), &Value::Null));
    shown["status"].as_str().unwrap().to_owned()
}

fn claim(world: &World, tenant: &str, account: &Value) -> StatusCode {
    ask(world, tenant, Method::POST, "/channels", account).status()
}

#[test]
fn an_invented_secret_takes_no_webhook_from_the_deployments_number() {
    let world = world();
    assert_eq!(send(&world, WEBHOOKS, &to(&["106"]), DEPLOYMENTS).status(), StatusCode::OK);
    let claimed = register(&world, "thief", "106", "invented");
    assert_eq!(status(&world, "thief", &claimed), "pending");
    for n in ["106", "107"] {
        assert_eq!(send(&world, WEBHOOKS, &to(&["106", n]), DEPLOYMENTS).status(), StatusCode::OK);
    }
    // Also not once the thief has signed something with it.
    assert_eq!(send(&world, WEBHOOKS, &to(&["106"]), "invented").status(), StatusCode::OK);
    assert_eq!(status(&world, "thief", &claimed), "active");
    let answer = send(&world, WEBHOOKS, &to(&["106"]), DEPLOYMENTS);
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(json(&answer)["rejected"].is_null());
    let thiefs = tenants(&world).iter().filter(|tenant| *tenant == "thief").count();
    assert_eq!(thiefs, 1, "what it signed itself, and nothing else");
}

#[test]
fn an_invented_secret_takes_no_webhook_from_another_tenant() {
    let world = world();
    let acme = register(&world, "acme", "106", "acme's own secret");
    let thief = register(&world, "thief", "106", "invented");
    // The thief is faster.
    assert_eq!(send(&world, WEBHOOKS, &to(&["106"]), "invented").status(), StatusCode::OK);
    assert_eq!(status(&world, "thief", &thief), "active");
    for _ in 0..2 {
        assert_eq!(send(&world, WEBHOOKS, &to(&["106"]), "acme's own secret").status(), StatusCode::OK);
    }
    assert_eq!(
        status(&world, "acme", &acme),
        "pending",
        "one of them has verified it; the other's webhooks come all the same"
    );
    let acmes = tenants(&world).iter().filter(|tenant| *tenant == "acme").count();
    assert_eq!(acmes, 1, "the same message twice is one");
    // The thief's goes, and the next webhook verifies the other.
    ask(&world, "thief", Method::DELETE, &path(&thief), &Value::Null);
    assert_eq!(send(&world, WEBHOOKS, &to(&["106"]), "acme's own secret").status(), StatusCode::OK);
    assert_eq!(status(&world, "acme", &acme), "active");
}

#[test]
fn a_webhook_that_the_claims_secret_signs_verifies_it() {
    let world = world();
    let account = register(&world, "acme", "106", "acme's own secret");
    assert_eq!((account["verified_at"].clone(), account["verified_by"].clone()), (Value::Null, Value::Null));
    assert_eq!(send(&world, WEBHOOKS, &to(&["106"]), "a guess").status(), StatusCode::UNAUTHORIZED);
    assert_eq!(status(&world, "acme", &account), "pending");
    assert_eq!(send(&world, WEBHOOKS, &to(&["106"]), "acme's own secret").status(), StatusCode::OK);
    let shown = json(&ask(&world, "acme", Method::GET, "/channels", &Value::Null));
    assert_eq!((&shown["data"][0]["status"], &shown["data"][0]["verified_by"]), (&json!("active"), &json!("webhook")));
    assert!(shown["data"][0]["verified_at"].is_string());
    // Rotated, disabled and enabled again it stays verified.
    for change in [
        json!({ "credentials": { "app_secret": "rotated" } }),
        json!({ "status": "disabled" }),
        json!({ "status": "active" }),
    ] {
        assert_eq!(ask(&world, "acme", Method::PATCH, &path(&account), &change).status(), StatusCode::OK);
    }
    assert_eq!(status(&world, "acme", &account), "active");
}

#[test]
fn what_another_tenant_has_verified_cannot_be_claimed() {
    let world = world();
    register(&world, "acme", "106", "acme's own secret");
    assert_eq!(claim(&world, "acme", &whatsapp("106")), StatusCode::CONFLICT, "its own neither");
    assert_eq!(send(&world, WEBHOOKS, &to(&["106"]), "acme's own secret").status(), StatusCode::OK);
    let refused = ask(&world, "other", Method::POST, "/channels", &whatsapp("106"));
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    assert!(!String::from_utf8_lossy(refused.body()).contains("acme"), "whose it is, is not said");
    let vouched = json!({ "kind": "whatsapp", "provider_id": "106" });
    assert_eq!(claim(&world, "default", &vouched), StatusCode::CONFLICT);
    made(&world, "other", &json!({ "kind": "telegram", "provider_id": "106", "credentials": { "secret_token": "x" } }));
}

#[test]
fn what_the_deployments_variables_name_cannot_be_claimed_by_anybody_else() {
    let world = world();
    for (name, value) in [
        ("whatsapp_phone_number_id", "106"),
        ("twilio_account_sid", "AC1"),
        ("twilio_from", "+15005550006"),
        ("telegram_bot_token", "4711:secret"),
        ("email_from", "Shop <Shop@example.com>"),
    ] {
        world.variables.borrow_mut().insert(name.to_owned(), value.to_owned());
    }
    let named = [
        ("whatsapp", "106", "app_secret"),
        ("sms", "AC1", "auth_token"),
        ("sms", "15005550006", "auth_token"),
        ("sms", "+15005550006", "auth_token"),
        ("telegram", "4711", "secret_token"),
        ("email", "shop@EXAMPLE.com", "webhook_secret"),
    ];
    for (kind, provider_id, secret) in named {
        let account = json!({ "kind": kind, "provider_id": provider_id, "credentials": { secret: "invented" } });
        assert_eq!(claim(&world, "thief", &account), StatusCode::CONFLICT, "{kind} {provider_id}");
        let operators = ask_as(&world, "thief", "operator", Method::POST, "/channels", &account);
        assert_eq!(operators.status(), StatusCode::CONFLICT, "{kind} {provider_id}");
    }
    for (kind, provider_id, secret) in
        [("whatsapp", "1060", "app_secret"), ("email", "shop@example.co", "webhook_secret")]
    {
        let account = json!({ "kind": kind, "provider_id": provider_id, "credentials": { secret: "own" } });
        assert_eq!(claim(&world, "acme", &account), StatusCode::CREATED, "{provider_id} is another");
    }
    assert_eq!(claim(&world, "default", &json!({ "kind": "whatsapp", "provider_id": "106" })), StatusCode::CREATED);
}

#[test]
fn items_that_nobody_signed_for_are_not_acknowledged_and_come_again() {
    let world = world();
    register(&world, "acme", "106", "acme's own secret");
    let both = to(&["106", "107"]);
    for _ in 0..2 {
        let answer = send(&world, WEBHOOKS, &both, "acme's own secret");
        assert_eq!((answer.status(), &json(&answer)["code"]), (StatusCode::FORBIDDEN, &json!("account_not_signed")));
        assert_eq!(tenants(&world), ["acme"], "what it speaks for is taken, once");
    }
    // The provider repeats it until the other number is registered, too.
    register(&world, "acme", "107", "acme's own secret");
    let answer = send(&world, WEBHOOKS, &both, "acme's own secret");
    assert_eq!(
        (answer.status(), json(&answer)["accepted"].clone(), json(&answer)["duplicates"].clone()),
        (StatusCode::OK, json!(1), json!(1))
    );
    assert_eq!(tenants(&world), ["acme", "acme"]);
}

#[test]
fn claims_of_twilios_account_and_of_its_numbers_take_nothing_from_each_other() {
    let world = world();
    let own = json!({ "account_sid": "AC1", "auth_token": "acme's token" });
    let account = made(&world, "acme", &json!({ "kind": "sms", "provider_id": "AC1", "credentials": own }));
    let invented = json!({ "account_sid": "AC1", "auth_token": "invented" });
    made(&world, "thief", &json!({ "kind": "sms", "provider_id": "15005550006", "credentials": invented }));
    made(&world, "thief", &json!({ "kind": "sms", "provider_id": "AC1", "credentials": invented }));
    let text = |sid: &str, token: &str| twilio(&world, sid, token);
    assert_eq!(text("SM1", "invented"), StatusCode::OK);
    assert_eq!(text("SM2", "acme's token"), StatusCode::OK);
    assert_eq!(text("SM3", DEPLOYMENTS), StatusCode::OK);
    assert_eq!(text("SM4", "a guess"), StatusCode::UNAUTHORIZED);
    assert_eq!(tenants(&world), ["thief", "acme", "default"]);
    assert_eq!(status(&world, "acme", &account), "pending", "the thief was first to prove its own");
}

fn twilio(world: &World, sid: &str, token: &str) -> StatusCode {
    use base64::Engine;
    use hmac::{Hmac, Mac};
    let fields =
        [("AccountSid", "AC1"), ("Body", "Hi"), ("From", "+16505551234"), ("MessageSid", sid), ("To", "+15005550006")];
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(token.as_bytes()).unwrap();
    mac.update(b"https://kobliat.example/webhooks/sms");
    fields.iter().for_each(|(name, value)| mac.update(format!("{name}{value}").as_bytes()));
    let form: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", sdk::query::percent_encode(value))).collect();
    let mut webhook = request(Method::POST, "/webhooks/sms", form.join("&"));
    let signature = base64::prelude::BASE64_STANDARD.encode(mac.finalize().into_bytes());
    webhook.headers.insert("x-twilio-signature", signature.parse().unwrap());
    webhook.headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    block_on(router().handle(world, webhook)).status()
}

#[test]
fn claims_of_every_channel_are_verified_by_what_proves_them() {
    let world = world();
    for (name, value) in [("web_webhook_secret", DEPLOYMENTS), ("email_webhook_secret", DEPLOYMENTS)] {
        world.variables.borrow_mut().insert(name.to_owned(), value.to_owned());
    }
    let basic = |secret: &str| {
        use base64::Engine;
        format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(format!("any:{secret}")))
    };
    let update = json!({ "update_id": 1, "message": { "message_id": 7, "date": 1_749_416_383, "text": "Hi",
        "chat": { "id": 5, "type": "private" }, "from": { "id": 5, "first_name": "Ann" } } });
    let mail =
        json!({ "message_id": "m1@example.net", "from": "ann@example.net", "to": "shop@example.com", "text": "Hi" });
    let cases = [
        ("telegram", "bot", "secret_token", "/webhooks/telegram/bot", "x-telegram-bot-api-secret-token", update, false),
        ("email", "shop@example.com", "webhook_secret", "/webhooks/email", "authorization", mail, true),
    ];
    for (kind, provider_id, secret, address, header, body, is_basic) in cases {
        let own = |value: &str| json!({ "kind": kind, "provider_id": provider_id, "credentials": { secret: value } });
        let (thief, acme) = (made(&world, "thief", &own("invented")), made(&world, "acme", &own("acme's own secret")));
        let post = |value: &str| {
            let mut webhook = request(Method::POST, address, body.to_string());
            let value = if is_basic { basic(value) } else { value.to_owned() };
            webhook.headers.insert(header, value.parse().unwrap());
            block_on(router().handle(&world, webhook)).status()
        };
        assert_eq!(post("a guess"), StatusCode::UNAUTHORIZED, "{kind}");
        assert_eq!((post(DEPLOYMENTS), post("acme's own secret")), (StatusCode::OK, StatusCode::OK), "{kind}");
        assert_eq!(status(&world, "acme", &acme), "active", "{kind}");
        assert_eq!(status(&world, "thief", &thief), "pending", "{kind}");
    }
    assert_eq!(tenants(&world), ["default", "acme", "default", "acme"]);
}

#[test]
fn a_claims_verification_token_takes_no_registration_from_another() {
    let world = world();
    world.variables.borrow_mut().insert("whatsapp_verify_token".to_owned(), "meatyhamhock".to_owned());
    register(&world, "thief", "106", "invented");
    let verify = |token: &str| {
        let query = format!("hub.mode=subscribe&hub.challenge=42&hub.verify_token={token}");
        block_on(router().handle(&world, request(Method::GET, &format!("/webhooks/whatsapp/106?{query}"), ""))).status()
    };
    assert_eq!((verify("meatyhamhock"), verify("acme%20verifies")), (StatusCode::OK, StatusCode::OK));
    assert_eq!(verify("a%20guess"), StatusCode::FORBIDDEN);
}

#[test]
fn what_the_deployment_gave_to_a_tenant_stays_its_own_with_either_secret() {
    let world = world();
    let vouched = json!({ "kind": "whatsapp", "provider_id": "106" });
    let account = json(&ask_as(&world, "acme", "operator", Method::POST, "/channels", &vouched));
    assert_eq!((&account["status"], &account["verified_by"]), (&json!("active"), &json!("deployment")));
    assert_eq!(send(&world, WEBHOOKS, &to(&["106"]), DEPLOYMENTS).status(), StatusCode::OK);
    let own = json!({ "credentials": { "app_secret": "acme's own secret" } });
    assert_eq!(ask(&world, "acme", Method::PATCH, &path(&account), &own).status(), StatusCode::OK);
    assert_eq!(send(&world, WEBHOOKS, &to(&["106"]), DEPLOYMENTS).status(), StatusCode::OK);
    assert_eq!(send(&world, WEBHOOKS, &to(&["106"]), "acme's own secret").status(), StatusCode::OK);
    assert_eq!(tenants(&world), ["acme"]);
}

#[test]
fn the_deployment_does_not_vouch_for_what_another_tenant_has_verified() {
    let world = world();
    let own = json!({ "app_secret": "the default tenant's own" });
    let account = made(&world, "default", &json!({ "kind": "whatsapp", "provider_id": "106", "credentials": own }));
    register(&world, "acme", "106", "acme's own secret");
    assert_eq!(send(&world, WEBHOOKS, &to(&["106"]), "acme's own secret").status(), StatusCode::OK);
    let without = json!({ "credentials": { "app_secret": null } });
    assert_eq!(ask(&world, "default", Method::PATCH, &path(&account), &without).status(), StatusCode::CONFLICT);
}

#[test]
fn a_tenant_has_a_thousand_accounts_at_most() {
    let world = world();
    let account = made(&world, "acme", &whatsapp("106"));
    let copy = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999) INSERT INTO channel_accounts \
                (tenant_id, id, kind, provider_id, name, credentials_set, created_at, updated_at) \
                SELECT 'acme', 'copy ' || i, 'whatsapp', 'copy ' || i, '', '[]', 1, 1 FROM n";
    world.memory.sqlite().execute(copy, []).unwrap();
    assert_eq!(claim(&world, "acme", &whatsapp("one-more")), StatusCode::CONFLICT);
    ask(&world, "acme", Method::DELETE, &path(&account), &Value::Null);
    assert_eq!(claim(&world, "acme", &whatsapp("one-more")), StatusCode::CREATED);
}

/// Rows from before there were claims.
#[test]
fn accounts_that_have_received_something_are_verified_and_the_others_pending() {
    use inbound_gateway::store::MIGRATIONS;
    let sqlite = rusqlite::Connection::open_in_memory().unwrap();
    let (old, new): (Vec<&sdk::sql::Migration>, Vec<_>) = MIGRATIONS.iter().partition(|migration| migration.number < 7);
    old.iter().for_each(|migration| sqlite.execute_batch(migration.sql).unwrap());
    let account = "INSERT INTO channel_accounts (tenant_id, id, kind, provider_id, credentials_set, disabled_at, created_at) \
                   VALUES (?1, ?2, ?3, ?2, ?4, ?5, 7)";
    let rows: [(&str, &str, &str, &str, Option<i64>); 6] = [
        ("acme", "received", "whatsapp", r#"["app_secret"]"#, None),
        ("acme", "quiet", "whatsapp", r#"["app_secret"]"#, None),
        ("acme", "off", "whatsapp", r#"["app_secret"]"#, Some(1)),
        ("acme", "vouched", "whatsapp", r#"["access_token"]"#, Some(1)),
        ("acme", "AC1", "sms", r#"["auth_token"]"#, None),
        ("other", "AC2", "sms", r#"["auth_token"]"#, None),
    ];
    for (tenant, id, kind, set, disabled_at) in rows {
        sqlite.execute(account, rusqlite::params![tenant, id, kind, set, disabled_at]).unwrap();
    }
    let delivery = "INSERT INTO webhook_deliveries (tenant_id, id, channel, channel_account_id, received_at, state, attempts, headers, body) \
                    VALUES ('acme', ?1, ?2, ?1, 1, 'done', 1, '{}', '')";
    for (account, channel) in [("received", "whatsapp"), ("off", "whatsapp"), ("15005550006", "sms"), ("quiet", "web")]
    {
        sqlite.execute(delivery, [account, channel]).unwrap();
    }
    new.iter().for_each(|migration: &&sdk::sql::Migration| sqlite.execute_batch(migration.sql).unwrap());
    let mut read =
        sqlite.prepare("SELECT id, verified_by FROM channel_accounts WHERE verified_at = 7 ORDER BY id").unwrap();
    let verified: Vec<(String, String)> =
        read.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    let verified: Vec<(&str, &str)> = verified.iter().map(|(id, by)| (id.as_str(), by.as_str())).collect();
    assert_eq!(verified, [("AC1", "webhook"), ("received", "webhook"), ("vouched", "deployment")]);
}
