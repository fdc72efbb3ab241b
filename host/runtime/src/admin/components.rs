//! `/components`: what runs, and its start, stop and restart.

use super::logs::{Filter, Logs};
use crate::lifecycle::{ChangeError, Lifecycle, describe, report};
use http::Method;
use kobliat_admin::{AdminRequest, Answer, Problem, Reply, RouteGroup};
use serde_json::json;
use std::sync::Arc;

/// Lines of a log that are told where nobody says how many.
const LINES: usize = 100;

pub struct Components {
    lifecycle: Arc<Lifecycle>,
    logs: Logs,
}

impl Components {
    pub fn new(lifecycle: Arc<Lifecycle>) -> Self {
        let logs = Logs::new(lifecycle.instances.log_dir.clone());
        Self { lifecycle, logs }
    }
}

impl RouteGroup for Components {
    fn prefix(&self) -> &'static str {
        "components"
    }

    fn handle(&self, request: AdminRequest) -> Answer<'_> {
        Box::pin(async move {
            match (&request.method, request.segments().as_slice()) {
                (&Method::GET, []) => Ok(Reply::json(&json!({ "components": report(&self.lifecycle) }))),
                (&Method::GET, [id]) => Ok(Reply::json(&describe(self.lifecycle.slot(id).map_err(problem)?))),
                (&Method::GET, [id, "logs"]) => self.read_logs(id, &request),
                (&Method::DELETE, [id, "logs"]) => self.clear_logs(id),
                (&Method::POST, [id, action]) => self.change(id, action).await,
                _ => Err(Reply::unknown()),
            }
        })
    }
}

impl Components {
    async fn change(&self, id: &str, action: &str) -> Result<Reply, Problem> {
        let phase = match action {
            "start" => self.lifecycle.start_component(id).await,
            "stop" => self.lifecycle.stop_component(id).await,
            "restart" => self.lifecycle.restart_component(id).await,
            _ => return Err(Reply::unknown()),
        };
        let state = phase.map_err(problem)?.as_str();
        Ok(Reply::json(&json!({ "component": id, "action": action, "state": state })))
    }

    fn read_logs(&self, id: &str, request: &AdminRequest) -> Result<Reply, Problem> {
        self.lifecycle.slot(id).map_err(problem)?;
        let lines = request.parameter("lines")?.unwrap_or(LINES);
        let filter = request.parameter::<Filter>("filter")?.unwrap_or(Filter::All);
        Ok(Reply::json(&json!({ "lines": self.logs.read(id, lines, filter)? })))
    }

    fn clear_logs(&self, id: &str) -> Result<Reply, Problem> {
        self.lifecycle.slot(id).map_err(problem)?;
        self.logs.clear(id)?;
        Ok(Reply::no_content())
    }
}

pub fn problem(error: ChangeError) -> Problem {
    match error {
        ChangeError::Unknown(_) => Problem::not_found(error.to_string().trim_start_matches("there is no ")),
        ChangeError::Conflict(why) => Problem::conflict(why),
        ChangeError::Refused(why) => Problem::refused(why),
        ChangeError::Failed(why) => Problem::internal(why),
    }
}
