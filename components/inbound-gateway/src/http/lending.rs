//! `/internal/accounts`: an account with those of its credentials that sending needs, for the component that sends and no other. Nothing of
//! the API leads here, and no public route can (`spin.toml`; the host refuses to start otherwise).

use sdk::pagination::Keyset;
use sdk::{Outcome, Problem, Request, response};
use serde_json::json;

use super::internal;
use crate::accounts::vault::Credentials;
use crate::accounts::{Account, Accounts};
use crate::channel;
use crate::domain::{Platform, directory};

/// The right that is asked for. No API key can have it by name.
const RIGHT: &str = "channels:credentials";
/// Who sends.
const SENDER: &str = "outbound-gateway";

/// Our host says which component calls, and lets no caller say it. A host that does not say it (stock Spin) has the outbound hosts in
/// `spin.toml` only.
fn check_caller(request: &Request) -> Result<(), Problem> {
    request.context.require(RIGHT)?;
    match request.header(sdk::context::CALLER) {
        Some(caller) if caller != SENDER => Err(Problem::forbidden("credentials are lent to the component that sends")),
        _ => Ok(()),
    }
}

/// The tenant's account of this name. One that it does not have, but whose credentials count for it (Twilio's own account for its
/// numbers), stands in.
pub async fn by_name<P: Platform>(platform: &P, request: Request) -> Outcome {
    check_caller(&request)?;
    let (kind, name) = (request.param("kind"), request.param("provider_id").to_owned());
    let tenant = &request.context.tenant;
    let named =
        platform.store().named(kind, &[name]).await.map_err(|error| error.problem(&request.context, "account"))?;
    let own = named.into_iter().find(|account| &account.tenant == tenant);
    match own {
        Some(account) if kind != channel::sms::CHANNEL || account.sealed.is_some() => {
            lent(platform, &request, &account).await
        }
        own => {
            let stands_in = twilios(platform, &request, kind).await?;
            let account = stands_in.filter(|_| own.as_ref().is_none_or(|own| own.disabled_at.is_none())).or(own);
            lent(platform, &request, &account.ok_or_else(|| Problem::not_found("account"))?).await
        }
    }
}

/// Twilio's own account of the tenant, when it has one.
async fn twilios<P: Platform>(platform: &P, request: &Request, kind: &str) -> Result<Option<Account>, Problem> {
    if kind != channel::sms::CHANNEL {
        return Ok(None);
    }
    let all = of_kind(platform, request, kind).await?;
    Ok(all.into_iter().find(|account| account.provider_id.starts_with("AC") && account.sealed.is_some()))
}

/// The tenant's oldest active account of the channel, for messages that name none.
pub async fn any<P: Platform>(platform: &P, request: Request) -> Outcome {
    check_caller(&request)?;
    let all = of_kind(platform, &request, request.param("kind")).await?;
    let active = all.into_iter().find(|account| account.disabled_at.is_none());
    lent(platform, &request, &active.ok_or_else(|| Problem::not_found("account"))?).await
}

async fn of_kind<P: Platform>(platform: &P, request: &Request, kind: &str) -> Result<Vec<Account>, Problem> {
    let start = Keyset { at: 0, id: String::new() };
    let all = platform.store().list(&request.context.tenant, Some(kind), &start, sdk::pagination::MAX_LIMIT).await;
    all.map_err(|error| error.problem(&request.context, "account"))
}

async fn lent<P: Platform>(platform: &P, request: &Request, account: &Account) -> Outcome {
    let opened = directory::opened(platform, account).await.map_err(|reason| internal(request, &reason))?;
    let needed = channel::find(&account.kind).map_or(&[][..], |channel| channel.lent_credentials());
    let credentials: Credentials = opened.into_iter().filter(|(name, _)| needed.contains(&name.as_str())).collect();
    response::ok(&json!({
        "id": account.id,
        "kind": account.kind,
        "provider_id": account.provider_id,
        "status": account.status(),
        "credentials": credentials,
    }))
}
