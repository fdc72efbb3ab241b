//! `/simulate`: all of it the chat simulator's, for a tenant's administrator where the deployment has switched it on.

use sdk::context::ADMIN;

use super::{Action, Doc, Route, Service};

const RIGHTS: &[&str] = &[ADMIN];
const FORWARD: Action = Action::Forward(Service::ChatSimulator);

pub const ROUTES: &[Route] = &[
    Route::post(
        "/simulate",
        RIGHTS,
        FORWARD,
        Doc::new("simulate", "Let a simulated customer write its next message", &[(200, Some("Simulated"))])
            .body("Simulate"),
    ),
    Route::post(
        "/simulate/batch",
        RIGHTS,
        FORWARD,
        Doc::new("simulateBatch", "Many simulated conversations at once", &[(200, Some("SimulatedBatch"))])
            .body("SimulateBatch"),
    ),
    Route::get(
        "/simulate/scenarios",
        RIGHTS,
        FORWARD,
        Doc::new("listScenarios", "Who can be simulated", &[(200, Some("ScenarioList"))]),
    ),
    Route::get(
        "/simulate/conversations",
        RIGHTS,
        FORWARD,
        Doc::new(
            "listSimulatedConversations",
            "Simulated customers, newest first",
            &[(200, Some("SimulatedConversationList"))],
        )
        .query(&["limit", "cursor"]),
    ),
    Route::get(
        "/simulate/conversations/{id}",
        RIGHTS,
        FORWARD,
        Doc::new(
            "getSimulatedConversation",
            "One of them, with what both sides said",
            &[(200, Some("SimulatedConversation"))],
        ),
    ),
    Route::delete(
        "/simulate/conversations/{id}",
        RIGHTS,
        FORWARD,
        Doc::new("endSimulatedConversation", "Answers nobody by itself any more", &[(204, None)]),
    ),
];
