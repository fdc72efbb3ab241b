//! An account of the simulator's own in a tenant: made when it is first needed, and put right when somebody has changed it.

use ::http::{Method, StatusCode};
use sdk::{Context, Problem, log, query::percent_encode, sql::Driver};
use serde_json::{Value, json};

use super::{Account, DEFAULT_TENANT, default_name, own_name};
use crate::{
    app::{App, World},
    http::failed,
    services,
    store::accounts::{self, Registered},
};

const SERVICE: &str = "inbound-gateway";
const NAME: &str = "Simulated customers";

impl<D: Driver, W: World> App<D, W> {
    /// The account that simulated customers of this tenant write to, registered and signed for by us.
    pub async fn account(&self, context: &Context, channel: &'static str) -> Result<Account, Problem> {
        let tenant = &context.tenant;
        if tenant == DEFAULT_TENANT {
            return Ok(self.signer(tenant, channel, default_name(channel)).await);
        }
        let account = self.signer(tenant, channel, &own_name(tenant, channel)).await;
        let known = accounts::get(&self.database, tenant, channel).await.map_err(failed(context))?;
        let (status, view) = match &known {
            Some(known) => self.channels(&account, Method::GET, &format!("/{}", known.id), None).await?,
            None => (StatusCode::NOT_FOUND, Value::Null),
        };
        match status {
            StatusCode::OK if view.get("status") == Some(&json!("disabled")) => Err(disabled(&view)),
            StatusCode::OK if known.is_some_and(|known| known == Registered::of(&view, &account.key_id())) => {
                Ok(account)
            }
            StatusCode::OK => self.put_right(context, account, &view).await,
            StatusCode::NOT_FOUND => self.register(context, account).await,
            status => Err(unexpected(context, status, &view)),
        }
    }

    async fn register(&self, context: &Context, account: Account) -> Result<Account, Problem> {
        let new = json!({ "kind": account.channel, "provider_id": account.registered_name(), "name": NAME, "credentials": account.credentials() });
        match self.channels(&account, Method::POST, "", Some(&new)).await? {
            (StatusCode::CREATED, view) => self.remember(context, account, &view).await,
            // Made by another instance a moment ago, or before our tables were lost.
            (StatusCode::CONFLICT, problem) => match self.find(&account).await? {
                Some(view) => self.put_right(context, account, &view).await,
                None => Err(unexpected(context, StatusCode::CONFLICT, &problem)),
            },
            (status, problem) => Err(unexpected(context, status, &problem)),
        }
    }

    async fn find(&self, account: &Account) -> Result<Option<Value>, Problem> {
        let mut cursor = String::new();
        loop {
            let path = format!("?kind={}&limit=100{cursor}", account.channel);
            let (_, page) = self.channels(account, Method::GET, &path, None).await?;
            let listed = page.get("data").and_then(Value::as_array).into_iter().flatten();
            let found =
                listed.into_iter().find(|one| one.get("provider_id") == Some(&json!(account.registered_name())));
            if let Some(found) = found {
                return Ok(Some(found.clone()));
            }
            let Some(next) = page.pointer("/meta/next_cursor").and_then(Value::as_str) else { return Ok(None) };
            cursor = format!("&cursor={}", percent_encode(next));
        }
    }

    /// Gives it our credentials again.
    async fn put_right(&self, context: &Context, account: Account, view: &Value) -> Result<Account, Problem> {
        if view.get("status") == Some(&json!("disabled")) {
            return Err(disabled(view));
        }
        let path = format!("/{}", text(view, "id"));
        let changes = json!({ "credentials": account.credentials() });
        match self.channels(&account, Method::PATCH, &path, Some(&changes)).await? {
            (StatusCode::OK, view) => self.remember(context, account, &view).await,
            (status, problem) => Err(unexpected(context, status, &problem)),
        }
    }

    async fn remember(&self, context: &Context, account: Account, view: &Value) -> Result<Account, Problem> {
        let registered = Registered::of(view, &account.key_id());
        accounts::save(&self.database, &account, &registered).await.map_err(failed(context))?;
        Ok(account)
    }

    async fn channels(
        &self,
        account: &Account,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), Problem> {
        let path = format!("/channels{path}");
        services::ask(self, &account.tenant, method, SERVICE, &path, body).await.map_err(Problem::unavailable)
    }
}

impl Registered {
    fn of(view: &Value, key_id: &str) -> Self {
        Self { id: text(view, "id"), version: text(view, "updated_at"), key_id: key_id.to_owned() }
    }
}

fn text(view: &Value, name: &str) -> String {
    view.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn disabled(view: &Value) -> Problem {
    let id = text(view, "id");
    Problem::conflict(format!(
        "the channel account of the simulated customers is disabled: PATCH /channels/{id} with {{\"status\":\"active\"}}"
    ))
}

fn unexpected(context: &Context, status: StatusCode, problem: &Value) -> Problem {
    let detail = text(problem, "detail");
    log::error(
        context,
        "the account of simulated customers cannot be registered",
        &[("status", &status.as_u16()), ("detail", &detail)],
    );
    Problem::bad_gateway(format!("the channel account of the simulated customers cannot be registered: {detail}"))
}
