//! `/customers` and what is counted about them.

use super::{Action, Route, Service};
use http::Method;

const READ: &[&str] = &["customers:read"];
const WRITE: &[&str] = &["customers:write"];
const FORWARD: Action = Action::Forward(Service::Customer);

pub const ROUTES: &[Route] = &[
    Route { method: Method::GET, path: "/customers", scopes: READ, action: FORWARD },
    Route { method: Method::POST, path: "/customers", scopes: WRITE, action: FORWARD },
    Route { method: Method::GET, path: "/customers/{id}", scopes: READ, action: FORWARD },
    Route { method: Method::PUT, path: "/customers/{id}", scopes: WRITE, action: FORWARD },
    Route { method: Method::GET, path: "/customers/external/{type}/{external_id}", scopes: READ, action: FORWARD },
    Route {
        method: Method::GET,
        path: "/customers/{id}/conversations",
        scopes: &["customers:read", "conversations:read"],
        action: Action::ListCustomerConversations,
    },
    Route { method: Method::GET, path: "/stats/channels", scopes: READ, action: FORWARD },
];
