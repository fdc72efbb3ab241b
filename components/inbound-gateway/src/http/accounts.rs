//! `/channels`: a tenant's channel accounts, as the gateway forwards it (the tenant in the context is the one that they are of).

use std::collections::HashSet;

use sdk::idempotency::{Once, answer_once};
use sdk::log;
use sdk::pagination::{self, Keyset, Page, PageRequest};
use sdk::{Context, Error, Micros, Outcome, Problem, Request, etag, response};

use super::internal;
use crate::accounts::vault::{Credentials, Owner};
use crate::accounts::{Account, Accounts, By, Changes, New, Verified, taken};
use crate::channel::{self, Channel};
use crate::domain::delivery::DEFAULT_TENANT;
use crate::domain::sending::{Sender, Stop, stops_of};
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
    let stops = stops(platform, context).await;
    let items = items.iter().map(|account| account.view(stops.of(account))).collect();
    pagination::list(&Page { items, next_cursor }, page.limit, &query, None)
}

pub async fn create<P: Platform>(platform: &P, request: Request) -> Outcome {
    let context = &request.context;
    context.require(sdk::context::ADMIN)?;
    let (new, tenant) = request.decode(|input| (New::read(input), input.text("tenant", 64)))?;
    is_of(context, tenant.as_deref(), "/tenant")?;
    check_claim(context, &new)?;
    if is_deployments(platform, &request, &new).await? {
        return Err(problem(context, taken()));
    }
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

/// Whether the deployment's variables name it, and so the default tenant has it: no other may claim it.
async fn is_deployments<P: Platform>(platform: &P, request: &Request, new: &New) -> Result<bool, Problem> {
    let Some(channel) = new.channel.filter(|_| request.context.tenant != DEFAULT_TENANT) else { return Ok(false) };
    for variable in channel.deployments_accounts() {
        let value = platform.variable(variable).await.map_err(|reason| internal(request, &reason))?;
        if value.is_some_and(|value| channel.is_named(&new.provider_id, value.trim())) {
            return Ok(true);
        }
    }
    Ok(false)
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
        verified: vouched(new.channel, &new.credentials, now),
        created_at: now,
        updated_at: now,
    };
    with_credentials(platform, request, account, &new.credentials).await
}

/// Only who may vouch for an account registers one without a secret of its own (see [`check_claim`]); with one, its webhooks must prove it.
fn vouched(channel: Option<&dyn Channel>, credentials: &Credentials, now: Micros) -> Option<Verified> {
    let has_own = channel.is_some_and(|channel| credentials.contains_key(channel.own_secret()));
    (!has_own).then_some(Verified { at: now, by: By::Deployment })
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
    // A new account has sent nothing, so nothing stopped it.
    let mut made = etag::with(response::created(&account.view(Some(Vec::new())))?, account.updated_at);
    let location = http::HeaderValue::from_str(&format!("/channels/{}", account.id)).ok();
    made.headers_mut().extend(location.map(|location| (http::header::LOCATION, location)));
    Ok(made)
}

pub async fn get<P: Platform>(platform: &P, request: Request) -> Outcome {
    let account = found(platform, &request).await?;
    shown(platform, &request, &account).await
}

async fn shown<P: Platform>(platform: &P, request: &Request, account: &Account) -> Outcome {
    let stops = stops(platform, &request.context).await;
    Ok(etag::with(response::ok(&account.view(stops.of(account)))?, account.updated_at))
}

/// The accounts of a tenant that send nothing more, as far as outbound-gateway could be asked.
struct Stops {
    found: Option<Vec<Stop>>,
    /// Those of them that have a row of their own.
    registered: HashSet<String>,
}

impl Stops {
    fn of(&self, account: &Account) -> Option<Vec<&Stop>> {
        Some(stops_of(account, self.found.as_ref()?, &self.registered))
    }
}

async fn stops<P: Platform>(platform: &P, context: &Context) -> Stops {
    let found = platform.sender().stops(context).await;
    let found = found.inspect_err(|reason| log::warn(context, "stopped channels are unknown", &[("reason", reason)]));
    let names = found.iter().flatten().filter(|stop| stop.channel == channel::sms::CHANNEL);
    let names: Vec<String> = names.map(|stop| stop.channel_account_id.clone()).collect();
    let rows = match names.is_empty() {
        true => Ok(Vec::new()),
        false => platform.store().named(channel::sms::CHANNEL, &names).await,
    };
    let own = rows.unwrap_or_default().into_iter().filter(|account| account.tenant == context.tenant);
    Stops { found: found.ok(), registered: own.map(|account| account.provider_id).collect() }
}

/// What was wrong has been set right: the account sends again.
pub async fn start<P: Platform>(platform: &P, request: Request) -> Outcome {
    let (account, context) = (found(platform, &request).await?, &request.context);
    let away = |reason: String| {
        log::warn(context, "a channel could not be started", &[("reason", &reason)]);
        Problem::unavailable("the component that sends does not answer: try again")
    };
    let stops = stops(platform, context).await;
    for stop in stops.of(&account).ok_or_else(|| away("its stops are unknown".to_owned()))? {
        platform.sender().start(context, &stop.channel, &stop.channel_account_id).await.map_err(away)?;
    }
    shown(platform, &request, &account).await
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
            return shown(platform, &request, &after).await;
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
    if after.verified.is_none() {
        after.verified = vouched(channel::find(&before.kind), &credentials, now);
        if after.verified.is_some() {
            check_free(platform, &request.context, before).await?;
        }
    }
    with_credentials(platform, request, after, &credentials).await
}

/// No other tenant has verified it.
async fn check_free<P: Platform>(platform: &P, context: &Context, account: &Account) -> Result<(), Problem> {
    let named = platform.store().named(&account.kind, std::slice::from_ref(&account.provider_id)).await;
    match named.map_err(|error| problem(context, error))?.iter().any(|other| other.verified.is_some()) {
        true => Err(problem(context, taken())),
        false => Ok(()),
    }
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
pub(super) fn is_of(context: &Context, named: Option<&str>, pointer: &str) -> Result<(), Problem> {
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
