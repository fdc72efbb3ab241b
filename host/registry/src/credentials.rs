//! Who we are to a registry: docker's own file, and the helpers that it names.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oci_client::secrets::RegistryAuth;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// How docker calls its own registry in the file.
const DOCKER_HUB: (&str, &str) = ("index.docker.io", "https://index.docker.io/v1/");

/// A helper asks a key ring, which may ask a person.
const HELPER: Duration = Duration::from_secs(60);

/// `config.json` of docker; without one everybody is anonymous.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    file: Option<PathBuf>,
}

impl Credentials {
    /// The file in docker's directory: `DOCKER_CONFIG`, else `.docker` of the home directory.
    pub fn in_directory(directory: Option<&Path>) -> Self {
        Self { file: directory.map(|directory| directory.join("config.json")) }
    }

    pub(crate) async fn of(&self, registry: &str) -> Result<RegistryAuth, String> {
        let Some(file) = &self.file else { return Ok(RegistryAuth::Anonymous) };
        let text = match std::fs::read(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(RegistryAuth::Anonymous),
            Err(error) => return Err(format!("failed to read `{}`: {error}", file.display())),
        };
        let config: Map<String, Value> =
            serde_json::from_slice(&text).map_err(|error| format!("`{}`: {error}", file.display()))?;
        let names = names(registry);
        let helper = names.iter().find_map(|name| config.get("credHelpers")?.get(name)?.as_str());
        if let Some(helper) = helper.or_else(|| config.get("credsStore")?.as_str()) {
            return ask(helper, names.last().map_or(registry, String::as_str)).await;
        }
        let entry = names.iter().find_map(|name| config.get("auths")?.get(name));
        entry.map_or(Ok(RegistryAuth::Anonymous), |entry| written(entry, registry))
    }
}

/// What a registry may be called in the file.
fn names(registry: &str) -> Vec<String> {
    match registry == DOCKER_HUB.0 {
        true => vec!["docker.io".to_owned(), registry.to_owned(), DOCKER_HUB.1.to_owned()],
        false => vec![format!("https://{registry}"), registry.to_owned()],
    }
}

/// `{ "auth": "<base64 of name:password>" }`
fn written(entry: &Value, registry: &str) -> Result<RegistryAuth, String> {
    let Some(encoded) = entry.get("auth").and_then(Value::as_str).filter(|auth| !auth.is_empty()) else {
        return Ok(RegistryAuth::Anonymous);
    };
    let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
    let (name, password) =
        pair.ok_or_else(|| format!("docker's credentials of `{registry}` are no name and password; log in again"))?;
    Ok(RegistryAuth::Basic(name.to_owned(), password.trim_end_matches('\0').to_owned()))
}

/// `docker-credential-<helper> get`
async fn ask(helper: &str, registry: &str) -> Result<RegistryAuth, String> {
    let program = format!("docker-credential-{helper}");
    let failed = |error: std::io::Error| format!("failed to run `{program}`: {error}");
    if !helper.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Err(format!("`{helper}` is no name of a credential helper"));
    }
    let child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn();
    let mut child = child.map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(registry.as_bytes()).await.map_err(failed)?;
    }
    let output = tokio::time::timeout(HELPER, child.wait_with_output()).await;
    let output = output.map_err(|_elapsed| format!("`{program}` did not answer"))?.map_err(failed)?;
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    let field = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match (output.status.success(), field("Username"), field("Secret")) {
        // It knows none.
        (false, ..) => Ok(RegistryAuth::Anonymous),
        (true, name, secret) if name == "<token>" => Ok(RegistryAuth::Bearer(secret)),
        (true, name, secret) => Ok(RegistryAuth::Basic(name, secret)),
    }
}
