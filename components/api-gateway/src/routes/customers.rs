//! `/customers` and what is counted about them.

use http::Response;

use super::{Action, Doc, Route, Service};
use crate::aggregate::whole;
use crate::call::Call;
use crate::clients::{Body, Outside};
use crate::{json, reply};
use sdk::{Problem, etag, response};

const READ: &[&str] = &["customers:read"];
const WRITE: &[&str] = &["customers:write"];
const FORWARD: Action = Action::Forward(Service::Customer);

pub const ROUTES: &[Route] = &[
    Route::get(
        "/customers",
        READ,
        FORWARD,
        Doc::new("listCustomers", "Customers, newest first", &[(200, Some("CustomerList"))]).query(&[
            "external_type",
            "customer_q",
            "created_after",
            "created_before",
            "age_sort",
            "limit",
            "cursor",
        ]),
    ),
    Route::post(
        "/customers",
        WRITE,
        FORWARD,
        Doc::new(
            "upsertCustomer",
            "Create a customer, or find the one with this external id",
            &[(201, Some("Customer")), (200, Some("KnownCustomer"))],
        )
        .body("NewCustomer"),
    ),
    Route::get(
        "/customers/{id}",
        READ,
        Action::GetCustomer,
        Doc::new("getCustomer", "One customer", &[(200, Some("Customer"))]).has_etag(),
    ),
    Route::put(
        "/customers/{id}",
        WRITE,
        FORWARD,
        Doc::new("updateCustomer", "Change a customer's name or metadata", &[(200, Some("Customer"))])
            .body("CustomerChanges")
            .if_match(),
    ),
    Route::patch(
        "/customers/{id}",
        WRITE,
        FORWARD,
        Doc::new("patchCustomer", "Change a customer's name, or merge into its metadata", &[(200, Some("Customer"))])
            .body("CustomerChanges"),
    ),
    Route::delete(
        "/customers/{id}",
        WRITE,
        FORWARD,
        Doc::new(
            "deleteCustomer",
            "Forget who a customer is, everywhere; `/customers/{id}/erasure` reports how far that is",
            &[(204, None)],
        )
        .query(&["erase_messages"])
        .if_match(),
    ),
    Route::get(
        "/customers/{id}/erasure",
        READ,
        FORWARD,
        Doc::new(
            "getCustomerErasure",
            "What was removed of a customer who is forgotten, and which services are still at it",
            &[(200, Some("Erasure"))],
        ),
    ),
    Route::get(
        "/customers/external/{type}/{external_id}",
        READ,
        FORWARD,
        Doc::new("getCustomerByExternalId", "The customer with this external id", &[(200, Some("Customer"))])
            .has_etag(),
    ),
    Route::get(
        "/customers/{id}/conversations",
        &["customers:read", "conversations:read"],
        Action::ListCustomerConversations,
        Doc::new("listCustomerConversations", "The conversations of a customer", &[(200, Some("ConversationList"))])
            .query(&[
                "conversation_status",
                "channel",
                "conversation_unread",
                "created_after",
                "created_before",
                "conversation_sort",
                "limit",
                "cursor",
            ]),
    ),
    Route::get(
        "/stats/channels",
        READ,
        FORWARD,
        Doc::new("channelStats", "Customers per channel", &[(200, Some("ChannelStats"))]),
    ),
];

/// What is asked for most: a typed call costs a small part of a forwarded request.
pub async fn get<B: Outside>(outside: &B, call: &Call<'_>) -> Result<Response<Body>, Problem> {
    let found = outside.get_customers(call.typed_context(), vec![call.id()]).await;
    let found = found.map_err(|error| whole(call, Service::Customer, error))?;
    let one = found.first().ok_or_else(|| Problem::not_found("customer"))?;
    Ok(reply::whole(etag::with(response::ok(&json::customer(one))?, one.updated_at)))
}
