//! `/components`: what runs; its start, stop and restart; its versions.

use super::logs::{Filter, Logs};
use crate::compiler::Quality;
use crate::lifecycle::{ChangeError, Lifecycle, MAX_COMPONENT, Source, Wish, aside, describe, report};
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
        let logs = Logs::new(lifecycle.ground.log_dir.clone());
        Self { lifecycle, logs }
    }
}

impl RouteGroup for Components {
    fn prefix(&self) -> &'static str {
        "components"
    }

    fn max_body(&self) -> usize {
        MAX_COMPONENT
    }

    fn handle(&self, request: AdminRequest) -> Answer<'_> {
        Box::pin(async move {
            match (&request.method, request.segments().as_slice()) {
                (&Method::GET, []) => Ok(Reply::json(&json!({ "components": report(&self.lifecycle) }))),
                (&Method::GET, [id]) => self.one(id),
                (&Method::GET, [id, "logs"]) => self.read_logs(id, &request),
                (&Method::DELETE, [id, "logs"]) => self.clear_logs(id),
                (&Method::POST, [id, action]) => self.change(id, action, &request).await,
                _ => Err(Reply::unknown()),
            }
        })
    }
}

impl Components {
    fn one(&self, id: &str) -> Result<Reply, Problem> {
        let slot = self.lifecycle.slot(id).map_err(problem)?;
        Ok(Reply::json(&describe(&slot, &self.lifecycle.archive)))
    }

    async fn change(&self, id: &str, action: &str, request: &AdminRequest) -> Result<Reply, Problem> {
        let (lifecycle, id) = (Arc::clone(&self.lifecycle), id.to_owned());
        // A client that goes away shall not leave half a change.
        let changed = match action {
            "swap" => {
                let (source, wish) = asked_for(request)?;
                aside(async move { lifecycle.swap(&id, source, wish).await }).await
            }
            "rollback" => aside(async move { lifecycle.roll_back(&id).await }).await,
            "promote" => aside(async move { lifecycle.promote(&id).await }).await,
            "withdraw" => aside(async move { lifecycle.withdraw(&id).await }).await,
            _ => return self.change_phase(&id, action).await,
        };
        let changed = changed.map_err(|error| Problem::internal(format!("the change broke off: {error}")))?;
        Ok(Reply::json(&changed.map_err(problem)?))
    }

    async fn change_phase(&self, id: &str, action: &str) -> Result<Reply, Problem> {
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

/// The body is the component; without one it is the manifest's file, as it is now.
fn asked_for(request: &AdminRequest) -> Result<(Source, Wish), Problem> {
    let percent = request.parameter::<u8>("percent")?;
    if percent.is_some_and(|percent| !(1..=99).contains(&percent)) {
        return Err(Problem::bad_request("`percent` is 1 to 99"));
    }
    let draft = request.parameter::<bool>("draft")?.unwrap_or(false);
    let wish = Wish { percent, quality: if draft { Quality::Draft } else { Quality::Full } };
    let source = if request.body.is_empty() { Source::Manifest } else { Source::Bytes(request.body.to_vec()) };
    Ok((source, wish))
}

pub fn problem(error: ChangeError) -> Problem {
    match error {
        ChangeError::Unknown(_) => Problem::not_found(error.to_string().trim_start_matches("there is no ")),
        ChangeError::Conflict(why) => Problem::conflict(why),
        ChangeError::Refused(why) => Problem::refused(why),
        ChangeError::Failed(why) => Problem::internal(why),
    }
}
