//! `/channels`: a tenant's accounts with its providers, and `/inbound-deliveries`: their webhooks. inbound-gateway has them; the gateway says
//! which tenant is meant.

use http::Response;
use serde::Deserialize;

use super::{Action, Doc, Route, Service};
use crate::call::Call;
use crate::clients::{Body, Outside};
use crate::forward::forward;
use crate::{scopes, store};
use sdk::context::ADMIN;
use sdk::query::Query;
use sdk::{Context, Problem};

const RIGHTS: &[&str] = &[ADMIN];

pub const ROUTES: &[Route] = &[
    Route::get(
        "/channels",
        RIGHTS,
        Action::Channels,
        Doc::new("listChannels", "Channel accounts, oldest first", &[(200, Some("ChannelList"))]).query(&[
            "tenant",
            "channel_kind",
            "limit",
            "cursor",
        ]),
    ),
    Route::post(
        "/channels",
        RIGHTS,
        Action::Channels,
        Doc::new(
            "createChannel",
            "Register an account with a provider; its credentials are never shown again",
            &[(201, Some("Channel"))],
        )
        .body("NewChannel"),
    ),
    Route::get(
        "/channels/{id}",
        RIGHTS,
        Action::Channels,
        Doc::new("getChannel", "One channel account, and which credentials are set", &[(200, Some("Channel"))])
            .has_etag()
            .query(&["tenant"]),
    ),
    Route::patch(
        "/channels/{id}",
        RIGHTS,
        Action::Channels,
        Doc::new(
            "updateChannel",
            "Rename a channel account, disable it, rotate credentials",
            &[(200, Some("Channel"))],
        )
        .query(&["tenant"])
        .body("ChannelChanges"),
    ),
    Route::delete(
        "/channels/{id}",
        RIGHTS,
        Action::Channels,
        Doc::new("deleteChannel", "Forget a channel account and its credentials", &[(204, None)])
            .query(&["tenant"])
            .if_match(),
    ),
    Route::post(
        "/channels/{id}/start",
        RIGHTS,
        Action::Channels,
        Doc::new(
            "startChannel",
            "Send by a stopped channel account again, after what stopped it has been set right",
            &[(200, Some("Channel"))],
        )
        .query(&["tenant"]),
    ),
    Route::get(
        "/inbound-deliveries",
        RIGHTS,
        Action::Channels,
        Doc::new(
            "listInboundDeliveries",
            "The providers' webhooks, newest first, and what became of their items",
            &[(200, Some("InboundDeliveryList"))],
        )
        .query(&["tenant", "delivery_status", "delivery_outcome", "limit", "cursor"]),
    ),
    Route::get(
        "/inbound-deliveries/{id}",
        RIGHTS,
        Action::Channels,
        Doc::new(
            "getInboundDelivery",
            "One webhook as it came, and what became of its items",
            &[(200, Some("InboundDeliveryShown"))],
        )
        .query(&["tenant"]),
    ),
    Route::post(
        "/inbound-deliveries/{id}/redrive",
        RIGHTS,
        Action::Channels,
        Doc::new(
            "redriveInboundDelivery",
            "Do again what failed or was rejected of a webhook",
            &[(202, Some("InboundDeliveryRedriven"))],
        )
        .query(&["tenant"]),
    ),
];

pub async fn act<B: Outside>(outside: &B, call: &Call<'_>, path: &str) -> Result<Response<Body>, Problem> {
    let (named, pointer) = named(call, path)?;
    let tenant = scopes::tenant(&call.context, named.as_deref(), pointer)?;
    if tenant != call.context.tenant {
        let found = store::tenants::get(outside.tables(), &tenant).await;
        let found = found.map_err(|error| store::failed(&call.context, "read a tenant", &error))?;
        found.ok_or_else(|| Problem::invalid_field(pointer, "is no tenant"))?;
    }
    let context = Context { tenant, ..call.context.clone() };
    forward(outside, &Call { context, ..call.with_body(call.body.clone()) }, Service::Inbound, path).await
}

/// The tenant that the request names, and where: a creation in its body, everything else in its query.
fn named(call: &Call<'_>, path: &str) -> Result<(Option<String>, &'static str), Problem> {
    /// The owner of the resource reads the rest, and refuses what is wrong.
    #[derive(Default, Deserialize)]
    struct New {
        #[serde(default)]
        tenant: Option<String>,
    }
    if call.method == http::Method::POST && path == "/channels" {
        let new: New = serde_json::from_slice(&call.body).unwrap_or_default();
        return Ok((new.tenant.map(|tenant| tenant.trim().to_owned()).filter(|tenant| !tenant.is_empty()), "/tenant"));
    }
    Ok((Query::parse(call.query)?.get("tenant").map(str::to_owned), "?tenant"))
}
