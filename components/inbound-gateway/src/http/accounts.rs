//! `/channels`: a tenant's channel accounts, as the gateway forwards it (the tenant in the context is the one that they are of).

use sdk::idempotency::{Once, answer_once};
use sdk::pagination::{self, Keyset, Page, PageRequest};
use sdk::{Context, Error, Outcome, Problem, Request, etag, response};

use super::internal;
use crate::accounts::vault::{Credentials, Owner};
use crate::accounts::{Account, Accounts, Changes, New};
use crate::channel;
use crate::domain::delivery::DEFAULT_TENANT;
use crate::domain::{Platform, directory};

const PAGE: u32 = 20;
const LIST: &str = "channels";
/// How often a change is tried when the account changes under it and the client does not mind.
const MAX_TRIES: u32 = 3;

pub async fn list<P: Platform>(platform: &P, request: Request) -> Outcome {
    let (context, query) = (&request.context, request.query()?);
    context.require(sdk::context::ADMIN)?;
    query.allow(&["tenant", "kind", "limit", "cursor"])?;
    is_of(context, query.get("tenant"), "?tenant")?;
    let page = PageRequest::from_query(&query, PAGE)?;
    let kind = query.get("kind");
    if kind.is_some_and(|kind| channel::find(kind).is_none()) {
        return Err(Problem::invalid_field("?kind", format!("must be one of {}", channel::names().join(", "))));
    }
    let name = format!("{LIST} {} {}", context.tenant, kind.unwrap_or_default());
    let after = match &page.cursor {
        None => Keyset { at: 0, id: String::new() },
        cursor => Keyset::open(&name, cursor.as_deref()).ok_or_else(pagination::bad_cursor)?,
    };
    let rows = platform.store().list(&context.tenant, kind, &after, page.limit).await;
    let rows = rows.map_err(|error| problem(context, error))?;
    let cursor = |last: &Account| Keyset { at: last.created_at, id: last.id.clone() }.seal(&name);
    let Page { items, next_cursor } = Page::cut(rows, page.limit, cursor);
    let items = items.iter().map(Account::view).collect();
    pagination::list(&Page { items, next_cursor }, page.limit, &query, None)
}

pub async fn create<P: Platform>(platform: &P, request: Request) -> Outcome {
    let context = &request.context;
    context.require(sdk::context::ADMIN)?;
    let (new, tenant) = request.decode(|input| (New::read(input), input.text("tenant", 64)))?;
    is_of(context, tenant.as_deref(), "/tenant")?;
    check_claim(context, &new)?;
    let account = account(platform, &request, new).await?;
    let insert = async |once: Option<&Once<'_, Account>>| platform.store().insert(&account, platform.now(), once).await;
    answer_once(&request, told, insert, |error| problem(context, error)).await
}

/// Who may have this account, as far as it can be known.
fn check_claim(context: &Context, new: &New) -> Result<(), Problem> {
    let Some(channel) = new.channel else { return Err(Problem::internal()) };
    if context.tenant != DEFAULT_TENANT && channel.unnamed_account() == Some(new.provider_id.as_str()) {
        let reason = "is the account of webhooks that name none, which is the default tenant's";
        return Err(Problem::invalid_field("/provider_id", reason));
    }
    if new.is_proven(context) {
        return Ok(());
    }
    let (pointer, reason) =
        (format!("/credentials/{}", channel.own_secret()), "is required: it signs the account's webhooks");
    Err(Problem::invalid_field(pointer, reason))
}

async fn account<P: Platform>(platform: &P, request: &Request, new: New) -> Result<Account, Problem> {
    let now = platform.now();
    let account = Account {
        tenant: request.context.tenant.clone(),
        id: platform.new_id(),
        kind: new.channel.map(|channel| channel.name().to_owned()).unwrap_or_default(),
        name: new.name.unwrap_or_else(|| new.provider_id.clone()),
        provider_id: new.provider_id,
        disabled_at: new.disabled.then_some(now),
        sealed: None,
        credentials_set: Vec::new(),
        created_at: now,
        updated_at: now,
    };
    with_credentials(platform, request, account, &new.credentials).await
}

async fn with_credentials<P: Platform>(
    platform: &P,
    request: &Request,
    account: Account,
    credentials: &Credentials,
) -> Result<Account, Problem> {
    let sealed = match credentials.is_empty() {
        true => None,
        false => {
            let vault = directory::vault(platform).await.map_err(|reason| internal(request, &reason))?;
            let owner = Owner { tenant: &account.tenant, id: &account.id };
            Some(vault.seal(owner, credentials).map_err(|reason| internal(request, &reason))?)
        }
    };
    Ok(Account { sealed, credentials_set: credentials.keys().cloned().collect(), ..account })
}

fn told(account: &Account) -> Outcome {
    let mut made = etag::with(response::created(&account.view())?, account.updated_at);
    let location = http::HeaderValue::from_str(&format!("/channels/{}", account.id)).ok();
    made.headers_mut().extend(location.map(|location| (http::header::LOCATION, location)));
    Ok(made)
}

pub async fn get<P: Platform>(platform: &P, request: Request) -> Outcome {
    let account = found(platform, &request).await?;
    Ok(etag::with(response::ok(&account.view())?, account.updated_at))
}

/// The account in the path, for who may administer it.
async fn found<P: Platform>(platform: &P, request: &Request) -> Result<Account, Problem> {
    let (context, query) = (&request.context, request.query()?);
    context.require(sdk::context::ADMIN)?;
    query.allow(&["tenant"])?;
    is_of(context, query.get("tenant"), "?tenant")?;
    let found = platform.store().get(&context.tenant, &request.id("id", "channel")?).await;
    found.map_err(|error| problem(context, error))?.ok_or_else(|| Problem::not_found("channel"))
}

pub async fn update<P: Platform>(platform: &P, request: Request) -> Outcome {
    for _ in 0..MAX_TRIES {
        let before = found(platform, &request).await?;
        let changes = request.decode(|input| Changes::read(input, channel::find(&before.kind)))?;
        // After what is wrong with the request itself (RFC 9110, 13.2.1).
        if etag::if_match(&request)?.is_some_and(|version| version != before.updated_at) {
            return Err(etag::mismatch());
        }
        let after = changed(platform, &request, &before, &changes).await?;
        let replaced = platform.store().replace(&after, before.updated_at).await;
        if replaced.map_err(|error| problem(&request.context, error))? {
            return Ok(etag::with(response::ok(&after.view())?, after.updated_at));
        }
    }
    Err(Problem::conflict("the account is being changed by somebody else"))
}

async fn changed<P: Platform>(
    platform: &P,
    request: &Request,
    before: &Account,
    changes: &Changes,
) -> Result<Account, Problem> {
    let now = platform.now().max(before.updated_at.saturating_add(1));
    let mut after = Account { updated_at: now, ..before.clone() };
    if let Some(name) = &changes.name {
        after.name.clone_from(name);
    }
    if let Some(disabled) = changes.disabled {
        after.disabled_at = disabled.then(|| before.disabled_at.unwrap_or(now));
    }
    if changes.credentials.is_empty() {
        return Ok(after);
    }
    // What cannot be opened any more is replaced whole: then only what is given now is set.
    let credentials = changes.applied(directory::opened(platform, before).await.unwrap_or_default());
    check_kept(&request.context, before, &credentials)?;
    with_credentials(platform, request, after, &credentials).await
}

/// What proved the claim stays: see [`New::is_proven`].
fn check_kept(context: &Context, account: &Account, credentials: &Credentials) -> Result<(), Problem> {
    let channel = channel::find(&account.kind);
    let kept = New {
        channel,
        provider_id: account.provider_id.clone(),
        name: None,
        disabled: false,
        credentials: credentials.clone(),
    };
    check_claim(context, &kept)
}

pub async fn delete<P: Platform>(platform: &P, request: Request) -> Outcome {
    let account = found(platform, &request).await?;
    let if_match = etag::if_match(&request)?;
    let deleted = platform.store().delete(&account.tenant, &account.id, if_match).await;
    match deleted.map_err(|error| problem(&request.context, error))? {
        true => response::no_content(),
        false if if_match.is_some() => Err(etag::mismatch()),
        false => Err(Problem::not_found("channel")),
    }
}

/// The gateway has put the tenant that a request names into the context: here they are the same.
fn is_of(context: &Context, named: Option<&str>, pointer: &str) -> Result<(), Problem> {
    match named {
        Some(named) if named != context.tenant => {
            Err(Problem::invalid_field(pointer, "only an operator may name another tenant"))
        }
        _ => Ok(()),
    }
}

fn problem(context: &Context, error: Error) -> Problem {
    error.problem(context, "channel")
}
