//! One turn: what was saved is built, and what was built takes its place; a changed manifest is taken over before.

use crate::Options;
use crate::files::{Files, Saved};
use crate::rules::{Meaning, Rules};
use kobliat_admin::ClientError;
use kobliat_build::BuildCommand;
use kobliat_manifest::{Component, ComponentSource, Manifest};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub struct Turns {
    pub options: Options,
    pub manifest: Manifest,
}

impl Turns {
    /// Does what follows from what was saved. New rules, where the manifest has changed.
    pub async fn take(&mut self, saved: Saved, files: &mut Files) -> Option<Rules> {
        let (mut to_build, mut to_swap) = (BTreeSet::new(), BTreeSet::new());
        for meaning in &saved.meanings {
            match meaning {
                Meaning::Build(id) => drop(to_build.insert(id.clone())),
                Meaning::Swap(id) => drop(to_swap.insert(id.clone())),
                Meaning::Manifest => {}
            }
        }
        let next = if saved.meanings.contains(&Meaning::Manifest) { self.read_manifest() } else { None };
        if let Some(next) = &next {
            to_build.extend(to_build_for(next, &self.manifest));
        }
        let manifest = next.as_ref().unwrap_or(&self.manifest);
        let built = self.build(manifest, &to_build, files).await;
        if built.is_some() {
            to_swap.extend(to_build);
        }
        let is_applied = match &next {
            Some(_) if built.is_some() => self.apply(saved.at).await,
            _ => false,
        };
        for id in &to_swap {
            self.swap(id, built.unwrap_or_default(), saved.at).await;
        }
        let next = next?;
        // The rules of what the host has refused are the rules of the next try all the same.
        let rules = Rules::of(&next, self.options.runtime_config.as_deref());
        if is_applied {
            self.manifest = next;
        }
        Some(rules)
    }

    fn read_manifest(&self) -> Option<Manifest> {
        match Manifest::load(&self.options.manifest) {
            Ok(manifest) => Some(manifest),
            Err(errors) => {
                self.say(&format!("{errors}\nWatch: the manifest is not valid; what ran before runs on"));
                None
            }
        }
    }

    /// How long it took; `None` when it failed. The commands write to the terminal themselves.
    async fn build(&self, manifest: &Manifest, ids: &BTreeSet<String>, files: &mut Files) -> Option<Duration> {
        let began = Instant::now();
        let components: Vec<_> = ids.iter().filter_map(|id| manifest.components.get(id)).collect();
        let commands: Vec<_> = components.iter().filter_map(|component| command(manifest, component)).collect();
        if commands.is_empty() {
            return Some(Duration::ZERO);
        }
        let (options, say) = (self.options.build.clone(), Arc::clone(&self.options.say));
        let building =
            tokio::task::spawn_blocking(move || kobliat_build::build(&options, &commands, &mut |line| say(line)));
        let built = building.await.map_err(|error| error.to_string());
        if let Err(error) = built.and_then(|built| built.map_err(|error| error.to_string())) {
            self.say(&format!("Watch: {error}; what ran before runs on"));
            return None;
        }
        for component in components {
            if let ComponentSource::Path(file) = &component.source {
                files.note(&manifest.dir.join(file));
            }
        }
        Some(began.elapsed())
    }

    async fn swap(&self, id: &str, built: Duration, saved: Instant) {
        let began = Instant::now();
        match self.options.client.post(&format!("/components/{id}/swap?draft=true"), "").await {
            Ok(answer) if text(&answer, "/outcome") == "unchanged" => {
                self.say(&format!("Watch: component `{id}` is the same as before"));
            }
            Ok(answer) => {
                let digest: String = text(&answer, "/digest").chars().take(12).collect();
                self.say(&format!(
                    "Watch: component `{id}` runs {digest}: built in {}, live {} later, {} after it was saved",
                    shown(built),
                    shown(began.elapsed()),
                    shown(saved.elapsed())
                ));
                if let Some(note) = answer.pointer("/note").and_then(Value::as_str) {
                    self.say(&format!("  {note}"));
                }
            }
            Err(error) => self.say(&format!("Watch: component `{id}` was not swapped: {}", reason(&error))),
        }
    }

    async fn apply(&self, saved: Instant) -> bool {
        match self.options.client.post("/application/apply", "").await {
            Ok(answer) => {
                self.say(&format!("Watch: manifest: {}, {} after it was saved", told(&answer), shown(saved.elapsed())));
                true
            }
            Err(error) => {
                self.say(&format!("Watch: the manifest was not taken over: {}", reason(&error)));
                false
            }
        }
    }

    fn say(&self, line: &str) {
        (self.options.say)(line);
    }
}

/// Components that are new, or are built otherwise.
fn to_build_for<'m>(next: &'m Manifest, before: &'m Manifest) -> impl Iterator<Item = String> + 'm {
    let built_as = |manifest: &'m Manifest, id: &str| manifest.components.get(id).and_then(|one| one.build.as_ref());
    let command = move |manifest, id: &str| built_as(manifest, id).map(|build| (&build.command, &build.workdir));
    let changed = next.components.keys().filter(move |id| command(next, id) != command(before, id));
    changed.cloned()
}

fn command(manifest: &Manifest, component: &Component) -> Option<BuildCommand> {
    let build = component.build.as_ref()?;
    let workdir = build.workdir.as_ref().map_or_else(|| manifest.dir.clone(), |dir| manifest.dir.join(dir));
    Some(BuildCommand { component: component.id.clone(), commands: build.command.clone(), workdir })
}

/// What the host says that it has changed.
pub fn told(answer: &Value) -> String {
    let mut parts = Vec::new();
    for word in ["added", "removed"] {
        parts.extend(texts(answer, &format!("/{word}")).map(|id| format!("component `{id}` {word}")));
    }
    for one in list(answer, "/changed") {
        let what: Vec<_> = texts(one, "/what").collect();
        parts.push(format!("component `{}` has other {}", text(one, "/id"), what.join(", ")));
    }
    for (word, path) in [("new", "/routes/added"), ("gone", "/routes/removed")] {
        parts.extend(texts(answer, path).map(|route| format!("route {route} is {word}")));
    }
    if parts.is_empty() { "nothing that runs is different".to_owned() } else { parts.join("; ") }
}

fn list<'v>(value: &'v Value, path: &str) -> impl Iterator<Item = &'v Value> {
    value.pointer(path).and_then(Value::as_array).into_iter().flatten()
}

fn texts<'v>(value: &'v Value, path: &str) -> impl Iterator<Item = &'v str> {
    list(value, path).filter_map(Value::as_str)
}

fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default()
}

fn reason(error: &ClientError) -> String {
    format!("{error}; what ran before runs on")
}

fn shown(time: Duration) -> String {
    match time.as_millis() {
        milliseconds @ 0..1000 => format!("{milliseconds} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}
