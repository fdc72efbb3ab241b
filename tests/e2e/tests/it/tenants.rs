//! Tenants see nothing of each other: every route of the OpenAPI document × an object of another tenant, generated from the document, so
//! that a new route cannot be forgotten. The services themselves refuse here; the gateway's own tests do without them.

use crate::people::{conversation, text};
use http::Method;
use kobliat_e2e::{Mode, Outside, Reply, TestApp, eventually};
use serde_json::{Value, json};

/// What its path names is no object of anybody's, but a channel's adapter.
const NO_OBJECT: &str = "/simulate/conformance/{channel}";

/// What is there of the default tenant, by the beginning of the paths where it is found. The first that fits counts.
type Objects = Vec<(&'static str, String)>;

#[tokio::test(flavor = "multi_thread")]
async fn no_route_gives_away_what_is_another_tenant_s() {
    let app = TestApp::start(Mode::Links).await;
    let (objects, participant) = objects(&app).await;
    let stranger = key_of(&app, "umbrella").await;
    let document = app.get("/openapi.json").await.expect(200);
    let mut walked = 0;
    for (path, operations) in
        document["paths"].as_object().unwrap().iter().filter(|(path, _)| !path.ends_with(NO_OBJECT))
    {
        for (name, operation) in operations.as_object().unwrap() {
            let method = Method::from_bytes(name.to_ascii_uppercase().as_bytes()).unwrap();
            if path.contains('{') {
                let path = filled(path, &objects, &participant);
                let answer = ask(&app, &stranger, method.clone(), &path, example(&document, operation)).await;
                assert!(matches!(answer.status, 403 | 404), "{method} {path}: {} {}", answer.status, answer.text());
                walked += 1;
            } else if method == Method::GET && !path.ends_with("/logs") {
                // (The log tells of what was asked for here, by its path.)
                let answer = ask(&app, &stranger, method, path, String::new()).await.text();
                let leaked = objects.iter().find(|(_, id)| id.len() == 36 && answer.contains(id));
                assert!(leaked.is_none(), "{path} tells of {leaked:?}: {answer}");
            }
        }
    }
    assert!(walked > 40, "only {walked} routes were walked");
    refers_to_nothing_of_theirs(&app, &stranger, &objects).await;
    app.stop().await;
}

async fn ask(app: &Outside, key: &str, method: Method, path: &str, body: String) -> Reply {
    app.send(method, path, &[("x-api-key", key)], body).await
}

/// An administrator's, who may do all there is in a tenant of its own.
async fn key_of(app: &Outside, tenant: &str) -> String {
    app.post("/api/v1/tenants", &json!({ "id": tenant })).await.expect(201);
    let new = json!({ "name": "stranger", "tenant": tenant, "scopes": ["admin"] });
    text(&app.post("/api/v1/api-keys", &new).await.expect(201), "key")
}

async fn objects(app: &TestApp) -> (Objects, String) {
    let chat = conversation(app).await;
    let made = async |path: &str, body: Value| text(&app.post(path, &body).await.expect(201), "id");
    let message = json!({ "conversation_id": chat.id, "direction": "inbound", "body": "a secret", "sender_customer_id": chat.ann });
    let user = json!({ "username": "ada", "password": "correct horse battery", "scopes": ["admin"] });
    let endpoint = json!({ "url": "https://hooks.example.com/a", "events": ["*"] });
    let channel =
        json!({ "kind": "web", "provider_id": "shop", "credentials": { "webhook_secret": "a secret of this shop" } });
    let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nsecret\r\n--b--\r\n";
    let multipart = [("content-type", "multipart/form-data; boundary=b")];
    let media = app.api(Method::POST, "/api/v1/media/upload", &multipart, form).await.expect(201);
    let details = app.get(&chat.path).await.expect(200);
    let participant = text(&details["participants"][0], "id");
    let objects = vec![
        ("/api/v1/customers", chat.ann.clone()),
        ("/api/v1/conversations", chat.id.clone()),
        ("/api/v1/messages", made("/api/v1/messages", message).await),
        ("/api/v1/media", text(&media, "id")),
        ("/api/v1/api-keys", made("/api/v1/api-keys", json!({ "name": "a", "scopes": ["admin"] })).await),
        ("/api/v1/users", made("/api/v1/users", user).await),
        ("/api/v1/webhook-endpoints", made("/api/v1/webhook-endpoints", endpoint).await),
        ("/api/v1/channels", made("/api/v1/channels", channel).await),
        ("/api/v1/logs", text(&app.walk("/api/v1/logs").await[0], "id")),
        ("/api/v1/tenants", "default".to_owned()),
        ("/api/v1", "019a0000-0000-7000-8000-0000000000ff".to_owned()),
    ];
    (objects, participant)
}

fn filled(path: &str, objects: &Objects, participant: &str) -> String {
    let (_, id) = objects.iter().find(|(beginning, _)| path.starts_with(beginning)).unwrap();
    let names = [("{participant_id}", participant), ("{type}", "web"), ("{external_id}", "ann"), ("{channel}", "web")];
    let path = names.iter().fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
    let service = path.replace("{service}", "customer");
    service.split('/').map(|segment| if segment.starts_with('{') { id } else { segment }).collect::<Vec<_>>().join("/")
}

/// A body that the document gives as an example, for this operation.
fn example(document: &Value, operation: &Value) -> String {
    let schema = operation.pointer("/requestBody/content/application~1json/schema/$ref").and_then(Value::as_str);
    let schema = schema.and_then(|reference| document.pointer(reference.strip_prefix('#').unwrap()));
    schema.map(|schema| schema["examples"][0].to_string()).unwrap_or_default()
}

/// In a body or a query, another tenant's id is as unknown as one that was made up.
async fn refers_to_nothing_of_theirs(app: &TestApp, stranger: &str, objects: &Objects) {
    let id = |beginning: &str| objects.iter().find(|(path, _)| *path == beginning).unwrap().1.clone();
    let (customer, conversation) = (id("/api/v1/customers"), id("/api/v1/conversations"));
    let new = json!({ "participants": [customer], "type": "channel" });
    let refused = ask(app, stranger, Method::POST, "/api/v1/conversations", new.to_string()).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/participants/0");
    let new = json!({ "conversation_id": conversation, "direction": "outbound", "media_id": id("/api/v1/media") });
    let refused = ask(app, stranger, Method::POST, "/api/v1/messages", new.to_string()).await.expect(422);
    assert_eq!(refused["errors"].as_array().unwrap().len(), 2, "neither the conversation nor the picture: {refused}");
    for path in [
        format!("/api/v1/conversations?customer_id={customer}"),
        format!("/api/v1/messages?q=secret&conversation_id={conversation}"),
        "/api/v1/messages?q=secret".to_owned(),
        "/api/v1/conversations?q=person".to_owned(),
    ] {
        assert_eq!(
            ask(app, stranger, Method::GET, &path, String::new()).await.expect(200)["data"],
            json!([]),
            "{path}"
        );
    }
    for path in ["/api/v1/users", "/api/v1/api-keys", "/api/v1/channels", "/api/v1/logs", "/api/v1/dead-letters"] {
        let named = ask(app, stranger, Method::GET, &format!("{path}?tenant=default"), String::new()).await;
        assert!(matches!(named.status, 403 | 422), "{path}: {}", named.text());
    }
}

/// Rows of a tenant, by database and table.
fn left_of(app: &TestApp, tenant: &str) -> Vec<String> {
    const TABLES: &str = "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c ON c.name = 'tenant_id' \
                          WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%'";
    let mut left = Vec::new();
    for file in std::fs::read_dir(app.state_dir()).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_none_or(|extension| extension != "db") {
            continue;
        }
        let database = rusqlite::Connection::open(&file).unwrap();
        let mut statement = database.prepare(TABLES).unwrap();
        let tables: Vec<String> = statement.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        for table in tables.iter().filter(|table| !["tenants", "erasures", "api_logs"].contains(&table.as_str())) {
            let count = format!("SELECT count(*) FROM {table} WHERE tenant_id = ?");
            let rows: i64 = database.query_row(&count, [tenant], |row| row.get(0)).unwrap();
            if rows > 0 {
                left.push(format!("{} {table}: {rows}", file.display()));
            }
        }
    }
    left
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_tenant_leaves_nothing_behind() {
    if kobliat_e2e::skipped("files of the services' databases") {
        return;
    }
    let app = TestApp::start(Mode::Links).await;
    let key = key_of(&app, "acme").await;
    let made = async |path: &str, body: Value| {
        text(
            &app.send(Method::POST, path, &[("x-api-key", &key), ("idempotency-key", path)], body.to_string())
                .await
                .expect(201),
            "id",
        )
    };
    let ann = made("/api/v1/customers", json!({ "external_type": "web", "external_id": "ann", "name": "Ann" })).await;
    let chat =
        made("/api/v1/conversations", json!({ "participants": [ann], "type": "channel", "subject": "Sweaters" })).await;
    let message =
        json!({ "conversation_id": chat, "direction": "inbound", "body": "a secret", "sender_customer_id": ann });
    made("/api/v1/messages", message).await;
    made("/api/v1/users", json!({ "username": "ada", "password": "correct horse battery", "scopes": ["admin"] })).await;
    let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nsecret\r\n--b--\r\n";
    let multipart = [("content-type", "multipart/form-data; boundary=b"), ("x-api-key", &key)];
    app.send(Method::POST, "/api/v1/media/upload", &multipart, form).await.expect(201);
    // What is on its way when a tenant is deleted goes an hour later; here nothing is.
    eventually("every event has arrived", async || {
        let left = left_of(&app, "acme").join("\n");
        (!left.contains(" outbox:") && left.contains(" consumed_events:")).then_some(())
    })
    .await;
    assert!(left_of(&app, "acme").len() > 8, "{:?}", left_of(&app, "acme"));
    assert_eq!(app.api(Method::DELETE, "/api/v1/tenants/acme", &[], "").await.status, 204);
    eventually("every service has removed what it had", async || left_of(&app, "acme").is_empty().then_some(())).await;
    app.get(&format!("/api/v1/customers/{ann}")).await.expect(404);
    app.stop().await;
}
