//! `/tenants`: for operators.

use http::Response;

use super::own::{self, Verb};
use super::{Action, Doc, Route};
use crate::call::Call;
use crate::chores;
use crate::clients::{Body, Outside};
use crate::reply::whole;
use crate::store;
use crate::tenants::{DEFAULT, Tenant, TenantChanges, is_id};
use sdk::context::OPERATOR;
use sdk::idempotency::Done;
use sdk::pagination::Keyset;
use sdk::query::{Query, percent_decode};
use sdk::sql::SqlError;
use sdk::{Context, Problem, etag, log};

const RIGHTS: &[&str] = &[OPERATOR];
const LIST: &str = "tenants";

pub const ROUTES: &[Route] = &[
    Route::get(
        "/tenants",
        RIGHTS,
        Action::Tenants(Verb::List),
        Doc::new("listTenants", "Tenants by name", &[(200, Some("TenantList"))]).query(&["limit", "cursor"]),
    ),
    Route::post(
        "/tenants",
        RIGHTS,
        Action::Tenants(Verb::Create),
        Doc::new("createTenant", "Make a tenant", &[(201, Some("Tenant"))]).body("NewTenant"),
    ),
    Route::get(
        "/tenants/{tenant}",
        RIGHTS,
        Action::Tenants(Verb::Get),
        Doc::new("getTenant", "One tenant", &[(200, Some("Tenant"))]).has_etag(),
    ),
    Route::patch(
        "/tenants/{tenant}",
        RIGHTS,
        Action::Tenants(Verb::Change),
        Doc::new("updateTenant", "Rename a tenant, change its plan, disable it", &[(200, Some("Tenant"))])
            .body("TenantChanges"),
    ),
    Route::delete(
        "/tenants/{tenant}",
        RIGHTS,
        Action::Tenants(Verb::Delete),
        Doc::new(
            "deleteTenant",
            "Close a tenant for good: no credential of it works, its name is not given again, its data stays",
            &[(204, None)],
        )
        .if_match(),
    ),
];

pub async fn act<B: Outside>(outside: &B, call: &Call<'_>, what: Verb) -> Result<Response<Body>, Problem> {
    match what {
        Verb::List => list(outside, call).await,
        Verb::Create => create(outside, call).await,
        Verb::Get => get(outside, call).await,
        Verb::Change => change(outside, call).await,
        Verb::Delete => delete(outside, call).await,
    }
}

fn unknown() -> Problem {
    Problem::not_found("tenant")
}

fn id(call: &Call<'_>) -> Result<String, Problem> {
    let segment = call.parameters.first().and_then(|segment| percent_decode(segment));
    segment.filter(|id| is_id(id)).ok_or_else(unknown)
}

async fn list<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    Query::parse(call.query)?.allow(&["limit", "cursor"])?;
    let (page, after) = own::page(call, LIST)?;
    let rows = store::tenants::list_page(outside.tables(), &after, page.limit).await;
    let rows = rows.map_err(|error| store::failed(&call.context, "list tenants", &error))?;
    own::list(call, LIST, rows, page.limit, |one| Keyset { at: 0, id: one.id.clone() }, Tenant::view)
}

async fn create<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let new = own::request(call).decode(|input| Tenant::read(input, outside.now()))?;
    let taken = Problem::conflict("a tenant has this name, or had it");
    match own::create(call, "store a tenant", taken, Tenant::view, async |once| {
        store::tenants::insert(outside.tables(), &new, once).await
    })
    .await?
    {
        Done::Now(tenant) => {
            behind(outside, async |outside: &B| chores::tell_quotas(outside).await);
            own::created("/tenants", &tenant.id, &tenant.view())
        }
        Done::Before(answer) => Ok(whole(answer.replay())),
    }
}

async fn find<B: Outside>(outside: &B, call: &Call<'_>, id: &str) -> Result<Tenant, Problem> {
    let found = store::tenants::get(outside.tables(), id).await;
    found.map_err(|error| store::failed(&call.context, "read a tenant", &error))?.ok_or_else(unknown)
}

async fn get<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let tenant = find(outside, call, &id(call)?).await?;
    own::versioned(&tenant.view(), tenant.updated_at)
}

async fn change<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let (id, request) = (id(call)?, own::request(call));
    let changes = request.decode(TenantChanges::read)?;
    if id == DEFAULT && changes.disabled == Some(true) {
        return Err(Problem::conflict("the default tenant cannot be disabled"));
    }
    let if_match = etag::if_match(&request)?;
    let changed = store::tenants::update(outside.tables(), &id, &changes, if_match, outside.now()).await;
    match changed.map_err(|error| store::failed(&call.context, "change a tenant", &error))? {
        Some(tenant) => {
            behind(outside, async |outside: &B| chores::tell_quotas(outside).await);
            own::versioned(&tenant.view(), tenant.updated_at)
        }
        None => find(outside, call, &id).await.and_then(|_| Err(etag::mismatch())),
    }
}

async fn delete<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let id = id(call)?;
    if id == DEFAULT || id == call.context.tenant {
        return Err(Problem::conflict("neither the default tenant nor one's own can be deleted"));
    }
    let if_match = etag::if_match(&own::request(call))?;
    let deleted = store::tenants::delete(outside.tables(), &id, if_match, outside.now()).await;
    match deleted.map_err(|error| store::failed(&call.context, "delete a tenant", &error))? {
        true => {
            behind(outside, async |outside: &B| chores::erase(outside).await);
            own::no_content()
        }
        false => find(outside, call, &id).await.and_then(|_| Err(etag::mismatch())),
    }
}

/// Others learn of it after the answer; what fails is tried again every minute.
fn behind<B: Outside>(outside: &B, work: impl AsyncFnOnce(&B) -> Result<(), SqlError> + 'static) {
    let outside_too = outside.clone();
    outside.spawn(async move {
        if let Err(error) = work(&outside_too).await {
            log::warn(&Context::default(), "failed to tell others of a change of tenants", &[("reason", &error)]);
        }
    });
}
