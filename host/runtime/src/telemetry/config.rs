//! What an operator has changed of the telemetry's settings: only that is kept, so that the rest follows the environment.

use crate::log::Level;
use kobliat_admin::Problem;
use kobliat_telemetry::otlp::Settings;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::io;
use std::path::Path;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// `Some(None)`: nowhere, whatever the environment says.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "said")]
    pub endpoint: Option<Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampling_rate: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_level: Option<Level>,
}

/// Tells `null` from nothing.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Changes {
    pub fn read(file: &Path) -> io::Result<Self> {
        match std::fs::read(file) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Drops an endpoint that the configuration does not allow (any more), and returns it.
    pub fn forget_endpoint(&mut self, settings: &Settings) -> Option<String> {
        let unknown = |endpoint: &mut Option<String>| endpoint.as_ref().is_some_and(|one| !settings.allows(one));
        self.endpoint.take_if(unknown).flatten()
    }

    /// Whole or not at all.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        kobliat_private_files::write(file, &serde_json::to_vec_pretty(self)?)
    }

    /// With what the body says, which may be any part of the settings.
    pub fn with(&self, body: &Map<String, Value>) -> Result<Self, Problem> {
        let said: Self = serde_json::from_value(Value::Object(body.clone())).map_err(|error| {
            Problem::bad_request(format!(
                "{error}; the settings are `enabled`, `endpoint`, `sampling_rate` and `log_level`"
            ))
        })?;
        if said.sampling_rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
            return Err(Problem::bad_request("`sampling_rate` is a number from 0 to 1"));
        }
        let null = body.iter().find(|(key, value)| value.is_null() && *key != "endpoint");
        if let Some((key, _)) = null {
            return Err(Problem::bad_request(format!("`{key}` can not be null")));
        }
        Ok(Self {
            enabled: said.enabled.or(self.enabled),
            endpoint: said.endpoint.or_else(|| self.endpoint.clone()),
            sampling_rate: said.sampling_rate.or(self.sampling_rate),
            log_level: said.log_level.or(self.log_level),
        })
    }

    pub fn over(&self, settings: &Settings) -> Settings {
        let mut settings = settings.clone();
        settings.enabled = self.enabled.unwrap_or(settings.enabled);
        settings.sampler.rate = self.sampling_rate.unwrap_or(settings.sampler.rate);
        if let Some(endpoint) = &self.endpoint {
            settings.redirect(endpoint.clone());
        }
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(changes: &Changes, body: Value) -> Result<Changes, Problem> {
        changes.with(body.as_object().unwrap())
    }

    #[test]
    fn a_part_changes_that_part_only() {
        let once = with(&Changes::default(), json!({ "sampling_rate": 0.5, "endpoint": "http://a:1" })).unwrap();
        let twice = with(&once, json!({ "endpoint": null, "log_level": "debug" })).unwrap();
        assert_eq!(twice.sampling_rate, Some(0.5));
        assert_eq!(twice.endpoint, Some(None), "null is said, too");
        assert_eq!(with(&twice, json!({})).unwrap(), twice);
        let from_environment = Settings { endpoint: Some("http://b:1".into()), ..Settings::default() };
        assert_eq!(twice.over(&from_environment).shown_endpoint(), None);
        assert_eq!(Changes::default().over(&from_environment), from_environment);
    }

    #[test]
    fn an_endpoint_that_nobody_allows_any_more_is_forgotten() {
        let settings = Settings { allowed_endpoints: vec!["http://a:1".into()], ..Settings::default() };
        let mut changes = with(&Changes::default(), json!({ "endpoint": "http://a:1", "enabled": true })).unwrap();
        assert_eq!(changes.forget_endpoint(&settings), None);
        assert_eq!(changes.forget_endpoint(&Settings::default()).as_deref(), Some("http://a:1"));
        assert_eq!(changes, Changes { enabled: Some(true), ..Changes::default() });
        let mut nowhere = with(&Changes::default(), json!({ "endpoint": null })).unwrap();
        assert_eq!(nowhere.forget_endpoint(&Settings::default()), None);
        assert_eq!(nowhere.endpoint, Some(None), "nowhere is always allowed");
    }

    #[test]
    fn what_is_kept_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("telemetry.json");
        assert_eq!(Changes::read(&file).unwrap(), Changes::default());
        let changes = Changes { endpoint: Some(None), log_level: Some(Level::Trace), ..Changes::default() };
        changes.write(&file).unwrap();
        assert_eq!(Changes::read(&file).unwrap(), changes);
    }

    #[test]
    fn refuses_what_is_no_setting() {
        for bad in [
            json!({ "sampling_rate": 2 }),
            json!({ "sampling_rate": "all" }),
            json!({ "log_level": "loud" }),
            json!({ "enabled": null }),
            json!({ "endpoint": 5 }),
            json!({ "endpoints": "http://a:1" }),
        ] {
            assert!(with(&Changes::default(), bad.clone()).is_err(), "{bad}");
        }
    }
}
