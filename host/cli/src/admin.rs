//! `kobliat components`, `swap`, `start`, `stop`, `restart`, `logs`: what is asked of a running host, found by its state directory.

use crate::registries::RegistryFlags;
use anyhow::{Context, Result};
use clap::Args;
use kobliat_admin::Client;
use kobliat_runtime::lifecycle::MAX_COMPONENT;
use kobliat_runtime::state_dir_of;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Which host is meant.
#[derive(Args)]
pub struct Host {
    /// The manifest of the running application, or the directory that it is in
    #[arg(short, long, default_value = "spin.toml")]
    from: PathBuf,
    /// Its state directory [default: the runtime config's, else .kobliat beside the manifest]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Ask by TCP, with the token of the state directory, instead of by its socket
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
}

#[derive(Args)]
pub struct Components {
    #[command(flatten)]
    host: Host,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct One {
    /// The component's id
    component: String,
    #[command(flatten)]
    host: Host,
}

#[derive(Args)]
pub struct Swap {
    #[command(flatten)]
    one: One,
    /// The new version: a .wasm file, or registry/repository:tag (or @sha256:…) [default: the manifest's source, as it is now]
    #[arg(value_name = "FILE|REFERENCE")]
    version: Option<String>,
    /// Give it to this share of the tenants only, until `kobliat promote` or `kobliat withdraw`
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=99))]
    percent: Option<u8>,
    #[command(flatten)]
    registries: RegistryFlags,
}

#[derive(Args)]
pub struct Logs {
    #[command(flatten)]
    one: One,
    /// How many lines, the last ones
    #[arg(short = 'n', long, default_value_t = 100)]
    lines: usize,
    /// Only `error`, or `warning` with errors
    #[arg(long, default_value = "all", value_parser = ["all", "error", "warning"])]
    filter: String,
    /// Empty the log instead
    #[arg(long)]
    clear: bool,
}

impl Host {
    pub fn client(&self) -> Result<Client> {
        let state_dir = state_dir_of(&self.from, self.state_dir.as_deref())?;
        Ok(match self.admin {
            Some(address) => Client::at(address, &state_dir)?,
            None => Client::in_state_dir(state_dir),
        })
    }
}

impl Components {
    pub async fn run(&self) -> Result<()> {
        let answer = self.host.client()?.get("/components").await?;
        if self.json {
            say!("{}", serde_json::to_string_pretty(&answer)?);
            return Ok(());
        }
        let components = field(&answer, "components").as_array().context("the host's answer is not a list")?;
        let head = [
            "COMPONENT",
            "STATE",
            "VERSION",
            "DIGEST",
            "SINCE",
            "INSTANCES",
            "RUNNING",
            "MEMORY",
            "REQUESTS",
            "ERRORS",
            "P99",
            "LAST SWAP",
        ];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(components.iter().flat_map(rows_of));
        print_table(&rows);
        Ok(())
    }
}

/// The component's own row and, beneath, that of a version on trial.
fn rows_of(component: &Value) -> Vec<Vec<String>> {
    let mut rows = vec![row(component, text(field(component, "id")), text(field(component, "state")))];
    let canary = field(component, "canary");
    if canary.is_object() {
        rows.push(row(canary, String::new(), format!("canary {}%", text(field(canary, "percent")))));
    }
    rows
}

fn row(version: &Value, name: String, state: String) -> Vec<String> {
    let counts = field(version, "counts");
    let memory = field(version, "memory_bytes").as_f64().map(|bytes| format!("{:.1} MiB", bytes / 1048576.0));
    let p99 = field(counts, "p99_ms").as_f64().map(|ms| format!("{ms:.1} ms"));
    vec![
        name,
        state,
        text(field(version, "version")),
        text(field(version, "digest")).chars().take(12).collect(),
        text(field(version, "since")),
        text(field(version, "instances")),
        text(field(version, "in_flight")),
        memory.unwrap_or_default(),
        text(field(counts, "requests")),
        text(field(counts, "errors")),
        p99.unwrap_or_default(),
        text(field(field(version, "last_swap"), "outcome")),
    ]
}

/// `null` where there is none.
pub fn field<'v>(value: &'v Value, name: &str) -> &'v Value {
    value.get(name).unwrap_or(&Value::Null)
}

pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub fn print_table(rows: &[Vec<String>]) {
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    for row in rows {
        let cells: Vec<String> =
            row.iter().enumerate().map(|(column, cell)| format!("{cell:<width$}", width = width(column))).collect();
        say!("{}", cells.join("  ").trim_end());
    }
}

impl One {
    /// `start`, `stop` or `restart`.
    pub async fn change(&self, action: &str) -> Result<()> {
        let answer = self.host.client()?.post(&self.path(action), "").await?;
        say!("component `{}` is {}", self.component, text(field(&answer, "state")));
        Ok(())
    }

    fn path(&self, rest: &str) -> String {
        format!("/components/{}/{rest}", self.component)
    }
}

impl Swap {
    pub async fn run(&self) -> Result<()> {
        let wasm = match &self.version {
            Some(version) => read(version, &self.registries).await?,
            None => Vec::new(),
        };
        let query = self.percent.map(|percent| format!("?percent={percent}")).unwrap_or_default();
        let answer = self.one.host.client()?.post(&self.one.path(&format!("swap{query}")), wasm).await?;
        tell(&self.one.component, &answer);
        Ok(())
    }
}

/// A file that is there is the file; what names a registry is fetched from it.
async fn read(version: &str, registries: &RegistryFlags) -> Result<Vec<u8>> {
    let file = Path::new(version);
    let reference = kobliat_registry::reference(version).filter(|_| !file.exists());
    let Some(reference) = reference else {
        return std::fs::read(file).with_context(|| format!("failed to read `{version}`"));
    };
    let fetched = kobliat_registry::fetch(&reference, &registries.access(), MAX_COMPONENT).await?;
    say!("fetched {reference} ({})", fetched.digest);
    Ok(fetched.wasm)
}

fn tell(component: &str, answer: &Value) {
    let digest: String = text(field(answer, "digest")).chars().take(12).collect();
    say!(
        "component `{component}`: {}; it runs {digest} (version {})",
        text(field(answer, "outcome")),
        text(field(answer, "version"))
    );
    if let Some(note) = field(answer, "note").as_str() {
        say!("  {note}");
    }
}

impl One {
    /// `rollback`, `promote` or `withdraw`.
    pub async fn change_version(&self, action: &str) -> Result<()> {
        let answer = self.host.client()?.post(&self.path(action), "").await?;
        tell(&self.component, &answer);
        Ok(())
    }
}

impl Logs {
    pub async fn run(&self) -> Result<()> {
        let client = self.one.host.client()?;
        let path = self.one.path("logs");
        if self.clear {
            client.request(http::Method::DELETE, &path, Default::default()).await?;
            return Ok(());
        }
        let answer = client.get(&format!("{path}?lines={}&filter={}", self.lines, self.filter)).await?;
        for line in field(&answer, "lines").as_array().into_iter().flatten() {
            say!("{}", text(field(line, "line")));
        }
        Ok(())
    }
}
