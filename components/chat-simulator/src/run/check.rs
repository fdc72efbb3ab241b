//! What really arrived: asked of the services that own it, as the gateway would for the run's tenant.

use std::collections::HashMap;

use ::http::{Method, StatusCode};
use sdk::{query::percent_encode, sql::Driver};
use serde_json::Value;

use super::{Run, plan::Customer};
use crate::{
    app::{App, World},
    lanes::side_by_side,
    provider::meta,
    services,
};

const AT_ONCE: usize = 8;
const PAGE: usize = 100;
/// More pages than a run can fill: a service that never ends its list is not followed for ever.
const MAX_PAGES: usize = 200;

/// A message that the platform has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub conversation: String,
    pub seq: u64,
    pub body: Option<String>,
    pub kind: String,
    pub status: String,
}

impl Found {
    fn read(conversation: &str, seq: u64, message: &Value) -> Self {
        let body = message.get("body").and_then(Value::as_str).map(str::to_owned);
        let (kind, status) = (text(message, "content_type"), text(message, "status"));
        Self { conversation: conversation.to_owned(), seq, body, kind, status }
    }
}

/// All messages of these customers, by the provider's id. A message that is there twice is there twice here.
pub async fn arrived<D: Driver, W: World>(
    app: &App<D, W>,
    run: &Run,
    customers: &[Customer],
) -> Result<HashMap<String, Vec<Found>>, String> {
    let of_customers = side_by_side(customers, AT_ONCE, async |customer: &Customer| {
        of_number(app, &run.tenant, meta::CHANNEL, &customer.phone).await
    })
    .await;
    let mut found: HashMap<String, Vec<Found>> = HashMap::new();
    for messages in of_customers {
        for (id, message) in messages? {
            found.entry(id).or_default().push(message);
        }
    }
    Ok(found)
}

/// All messages of whoever has this number, by the provider's id.
pub async fn of_number<D: Driver, W: World>(
    app: &App<D, W>,
    tenant: &str,
    channel: &str,
    number: &str,
) -> Result<Vec<(String, Found)>, String> {
    let path = format!("/customers/external/{channel}/{}", percent_encode(number));
    let Some(known) = get(app, tenant, "customer", &path).await? else { return Ok(Vec::new()) };
    let id = text(&known, "id");
    let path = format!("/conversations?customer_id={id}&limit={PAGE}");
    let conversations = get(app, tenant, "conversation", &path).await?.unwrap_or_default();
    let mut found = Vec::new();
    for conversation in list(&conversations) {
        messages(app, tenant, &text(conversation, "id"), &mut found).await?;
    }
    Ok(found)
}

async fn messages<D: Driver, W: World>(
    app: &App<D, W>,
    tenant: &str,
    conversation: &str,
    found: &mut Vec<(String, Found)>,
) -> Result<(), String> {
    let mut after = 0;
    for _ in 0..MAX_PAGES {
        let path = format!("/conversations/{conversation}/messages?after={after}&limit={PAGE}");
        let page = get(app, tenant, "messaging", &path).await?.unwrap_or_default();
        let items = list(&page);
        for message in items {
            let seq = message.get("seq").and_then(Value::as_u64).unwrap_or(0);
            found.push((text(message, "external_message_id"), Found::read(conversation, seq, message)));
            after = after.max(seq);
        }
        if items.len() < PAGE {
            return Ok(());
        }
    }
    Err(format!("the messages of conversation {conversation} have no end"))
}

/// `None` for what is not there; an error for what could not be asked.
async fn get<D: Driver, W: World>(
    app: &App<D, W>,
    tenant: &str,
    service: &str,
    path: &str,
) -> Result<Option<Value>, String> {
    match services::ask(app, tenant, Method::GET, service, path, None).await? {
        (StatusCode::OK, body) => Ok(Some(body)),
        (StatusCode::NOT_FOUND, _) => Ok(None),
        (status, _) => Err(format!("{service} answered {}", status.as_u16())),
    }
}

fn text(object: &Value, name: &str) -> String {
    object.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list(page: &Value) -> &[Value] {
    page.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
