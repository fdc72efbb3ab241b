//! What the host tells of itself, and how an operator changes that while it runs: `/telemetry` of the admin surface.
//!
//! What was changed is kept in the state directory and comes before environment and command line at the next start.

mod config;
mod numbers;

use crate::error::StartError;
use crate::log::Log;
use crate::metrics_page::MetricsPage;
use config::Changes;
use http::{Method, StatusCode};
use kobliat_admin::{AdminRequest, Answer, Caller, Problem, Reply, RouteGroup};
use kobliat_factor_outbound_http::ClientTls;
use kobliat_telemetry::Telemetry;
use kobliat_telemetry::otlp::Settings;
use numbers::Numbers;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tracing::warn;

/// The collector's line, the log, and what was changed of both.
pub struct Control {
    telemetry: Arc<Telemetry>,
    log: Log,
    /// As the command line said.
    settings: Settings,
    changes: Mutex<Changes>,
    file: PathBuf,
    numbers: Numbers,
}

/// Sends to the collector that `settings` and the operator's changes name.
pub fn open(
    application: &str,
    state_dir: &Path,
    settings: &Settings,
    log: &Log,
    page: &Arc<MetricsPage>,
) -> Result<Control, StartError> {
    let tls = ClientTls::default().load().map_err(StartError::new)?;
    let metrics = Arc::clone(page);
    let telemetry = Arc::new(Telemetry::new(application, tls, move || metrics.families()));
    let file = state_dir.join("telemetry.json");
    let mut changes =
        Changes::read(&file).map_err(|why| StartError::because(format_args!("read `{}`", file.display()), why))?;
    if let Some(endpoint) = changes.forget_endpoint(settings) {
        warn!(
            "`{}` sends telemetry to `{endpoint}`, which kobliat.toml does not name: it is ignored; add it to `allowed_endpoints` in [telemetry]",
            file.display()
        );
    }
    let control = Control {
        telemetry,
        log: log.clone(),
        settings: settings.clone(),
        changes: Mutex::new(changes.clone()),
        file,
        numbers: Numbers::new(Arc::clone(page)),
    };
    control.apply(&changes).map_err(StartError::new)?;
    Ok(control)
}

impl Control {
    pub fn telemetry(&self) -> &Arc<Telemetry> {
        &self.telemetry
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, changes: &Changes) -> Result<(), String> {
        self.telemetry.apply(&changes.over(&self.settings))?;
        if let Some(level) = changes.log_level {
            self.log.set(level);
        }
        Ok(())
    }

    fn show(&self, changes: &Changes) -> Value {
        let settings = changes.over(&self.settings);
        json!({
            "enabled": settings.enabled,
            "endpoint": settings.shown_endpoint(),
            "sampling_rate": settings.sampler.rate,
            "log_level": changes.log_level.unwrap_or(self.log.level()).as_str(),
        })
    }

    /// One after the other: what is in force is what is on disk.
    fn change(&self, request: &AdminRequest) -> Result<Reply, Problem> {
        let mut changes = self.changes();
        let body = request.json()?;
        if body.contains_key("endpoint") {
            refuse_components(&request.caller)?;
        }
        let changed = changes.with(&body)?;
        changed.over(&self.settings).check().map_err(Problem::bad_request)?;
        if let Some(Some(endpoint)) = &changed.endpoint
            && !self.settings.allows(endpoint)
        {
            return Err(Problem::refused(format!(
                "kobliat.toml does not name the collector `{endpoint}`; add it to `allowed_endpoints` in [telemetry] and restart"
            )));
        }
        changed.write(&self.file).map_err(|error| Problem::internal(format!("the change can not be kept: {error}")))?;
        self.apply(&changed).map_err(Problem::internal)?;
        *changes = changed;
        Ok(Reply::json(&self.show(&changes)))
    }
}

/// Where telemetry goes is the decision of the host's administrator, who has the socket or the token. A component asks for
/// its own callers, and they would send the platform's traces to a place of their own.
fn refuse_components(caller: &Caller) -> Result<(), Problem> {
    match caller {
        Caller::Socket | Caller::Token => Ok(()),
        Caller::Component(_) => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "`endpoint` is changed by the host's administrator only: in kobliat.toml, or by the admin socket",
        )),
    }
}

impl RouteGroup for Control {
    fn prefix(&self) -> &'static str {
        "telemetry"
    }

    fn handle(&self, request: AdminRequest) -> Answer<'_> {
        Box::pin(async move {
            match (&request.method, request.segments().as_slice()) {
                (&Method::GET, ["config"]) => Ok(Reply::json(&self.show(&self.changes()))),
                (&Method::PUT, ["config"]) => self.change(&request),
                (&Method::GET, ["metrics"]) => Ok(Reply::json(&self.numbers.show())),
                (&Method::DELETE, ["metrics"]) => {
                    self.numbers.reset();
                    Ok(Reply::no_content())
                }
                _ => Err(Reply::unknown()),
            }
        })
    }
}
