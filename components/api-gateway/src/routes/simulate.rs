//! `/simulate`: all of it the chat simulator's, for a tenant's administrator where the deployment has switched it on.

use sdk::context::{ADMIN, OPERATOR};

use super::{Action, Doc, Route, Service};

const RIGHTS: &[&str] = &[ADMIN];
const OPERATORS: &[&str] = &[OPERATOR];
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
    Route::post(
        "/simulate/run",
        RIGHTS,
        FORWARD,
        Doc::new(
            "simulateRun",
            "Many customers through an unkind provider, and what really arrived; 202 when it takes longer",
            &[(200, Some("SimulatedRun")), (202, Some("SimulatedRun"))],
        )
        .body("SimulateRun"),
    ),
    Route::get(
        "/simulate/runs/{id}",
        RIGHTS,
        FORWARD,
        Doc::new("getSimulatedRun", "How far a run is, then its report", &[(200, Some("SimulatedRun"))]),
    ),
    Route::get(
        "/simulate/runs",
        RIGHTS,
        FORWARD,
        Doc::new("listSimulatedRuns", "Runs, newest first", &[(200, Some("SimulatedRunList"))])
            .query(&["limit", "cursor"]),
    ),
    Route::post(
        "/simulate/runs/{id}/cancel",
        RIGHTS,
        FORWARD,
        Doc::new(
            "cancelSimulatedRun",
            "End a run before its time; one that is over stays as it is",
            &[(200, Some("SimulatedRun"))],
        ),
    ),
    Route::post(
        "/simulate/conformance/{channel}",
        RIGHTS,
        FORWARD,
        Doc::new(
            "checkConformance",
            "Try a channel's adapter: vectors, protocol, contents, chaos",
            &[(200, Some("Conformance"))],
        ),
    ),
    Route::get(
        "/simulate/conformance/{channel}",
        RIGHTS,
        FORWARD,
        Doc::new("getConformance", "The newest report of a channel's adapter", &[(200, Some("Conformance"))]),
    ),
    Route::get(
        "/simulate/emulator",
        RIGHTS,
        FORWARD,
        Doc::new("getEmulator", "How unkind the providers' stand-in is", &[(200, Some("Emulator"))]),
    ),
    Route::put(
        "/simulate/emulator",
        OPERATORS,
        FORWARD,
        Doc::new(
            "setEmulator",
            "Set how unkind it is; what is not named is as it is by default",
            &[(200, Some("Emulator"))],
        )
        .body("EmulatorKnobs"),
    ),
    Route::get(
        "/simulate/emulator/messages",
        RIGHTS,
        FORWARD,
        Doc::new("listEmulatedMessages", "What it was given to send", &[(200, Some("EmulatedMessageList"))])
            .query(&["limit", "cursor"]),
    ),
];
