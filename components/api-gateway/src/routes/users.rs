//! `/users`: people who sign in by name and password, for their tenant's administrator.

use http::Response;

use super::own::{self, Verb};
use super::{Action, Doc, Route};
use crate::call::Call;
use crate::clients::{Body, Outside};
use crate::reply::whole;
use crate::users::{NewUser, User, UserChanges, hash_password};
use crate::{scopes, store};
use sdk::context::ADMIN;
use sdk::idempotency::Done;
use sdk::pagination::Keyset;
use sdk::query::Query;
use sdk::{Problem, etag, ids};

const RIGHTS: &[&str] = &[ADMIN];

pub const ROUTES: &[Route] = &[
    Route::get(
        "/users",
        RIGHTS,
        Action::Users(Verb::List),
        Doc::new("listUsers", "Users, newest first", &[(200, Some("UserList"))]).query(&["tenant", "limit", "cursor"]),
    ),
    Route::post(
        "/users",
        RIGHTS,
        Action::Users(Verb::Create),
        Doc::new("createUser", "Make a user", &[(201, Some("User"))]).body("NewUser"),
    ),
    Route::get(
        "/users/{id}",
        RIGHTS,
        Action::Users(Verb::Get),
        Doc::new("getUser", "One user", &[(200, Some("User"))]).has_etag().query(&["tenant"]),
    ),
    Route::patch(
        "/users/{id}",
        RIGHTS,
        Action::Users(Verb::Change),
        Doc::new("updateUser", "Change a user's name, password, scopes or status", &[(200, Some("User"))])
            .query(&["tenant"])
            .body("UserChanges"),
    ),
    Route::delete(
        "/users/{id}",
        RIGHTS,
        Action::Users(Verb::Delete),
        Doc::new("deleteUser", "Delete a user", &[(204, None)]).query(&["tenant"]).if_match(),
    ),
];

pub async fn act<B: Outside>(outside: &B, call: &Call<'_>, what: Verb) -> Result<Response<Body>, Problem> {
    match what {
        Verb::List => list(outside, call).await,
        Verb::Create => create(outside, call).await,
        Verb::Get => {
            let user = find(outside, call).await?;
            own::versioned(&user.view(), user.updated_at)
        }
        Verb::Change => change(outside, call).await,
        Verb::Delete => delete(outside, call).await,
    }
}

async fn list<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let query = Query::parse(call.query)?;
    query.allow(&["tenant", "limit", "cursor"])?;
    let tenant = scopes::tenant(&call.context, query.get("tenant"), "?tenant")?;
    let name = format!("users {tenant}");
    let (page, after) = own::page(call, &name)?;
    let rows = store::users::list_page(outside.tables(), &tenant, &after, page.limit).await;
    let rows = rows.map_err(|error| store::failed(&call.context, "list users", &error))?;
    own::list(call, &name, rows, page.limit, |user| Keyset { at: user.created_at, id: user.id.clone() }, User::view)
}

async fn create<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let new = own::request(call).decode(NewUser::read)?;
    let tenant = scopes::tenant(&call.context, new.tenant.as_deref(), "/tenant")?;
    scopes::check_covered(&call.context, &new.scopes)?;
    let (password_hash, now) = (hash_password(&new.password)?, outside.now());
    let user = User {
        tenant,
        id: ids::new(),
        username: new.username,
        name: new.name,
        scopes: new.scopes,
        disabled_at: None,
        created_at: now,
        updated_at: now,
    };
    let taken = Problem::conflict("the username is taken, or there is no such tenant");
    match own::create(call, "store a user", taken, User::view, async |once| {
        store::users::insert(outside.tables(), &user, &password_hash, once).await
    })
    .await?
    {
        Done::Now(user) => own::created("/users", &user.id, &user.view()),
        Done::Before(answer) => Ok(whole(answer.replay())),
    }
}

async fn find<B: Outside>(outside: &B, call: &Call<'_>) -> Result<User, Problem> {
    let query = Query::parse(call.query)?;
    query.allow(&["tenant"])?;
    let tenant = scopes::tenant(&call.context, query.get("tenant"), "?tenant")?;
    let found = store::users::get(outside.tables(), &tenant, &call.id()).await;
    let found = found.map_err(|error| store::failed(&call.context, "read a user", &error))?;
    found.ok_or_else(|| Problem::not_found("user"))
}

/// A password that somebody else set would be a way into rights that are not theirs; so would new scopes.
async fn change<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let request = own::request(call);
    let (mut changes, password) = request.decode(UserChanges::read)?;
    let user = find(outside, call).await?;
    scopes::check_covered(&call.context, &user.scopes)?;
    scopes::check_covered(&call.context, changes.scopes.as_deref().unwrap_or_default())?;
    changes.password_hash = password.as_deref().map(hash_password).transpose()?;
    let if_match = etag::if_match(&request)?;
    let changed =
        store::users::update(outside.tables(), &user.tenant, &user.id, &changes, if_match, outside.now()).await;
    let changed = changed.map_err(|error| store::failed(&call.context, "change a user", &error))?;
    let user = changed.ok_or_else(etag::mismatch)?;
    own::versioned(&user.view(), user.updated_at)
}

async fn delete<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let user = find(outside, call).await?;
    scopes::check_covered(&call.context, &user.scopes)?;
    let if_match = etag::if_match(&own::request(call))?;
    let deleted = store::users::delete(outside.tables(), &user.tenant, &user.id, if_match).await;
    match deleted.map_err(|error| store::failed(&call.context, "delete a user", &error))? {
        true => own::no_content(),
        false if if_match.is_some() => Err(etag::mismatch()),
        false => Err(Problem::not_found("user")),
    }
}
