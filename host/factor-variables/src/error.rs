//! Why the host does not start, in the words of the operator who must change something. Values are never shown.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}", explain_missing(.0))]
    Missing(Vec<String>),
    #[error("{}", explain_unknown(.0))]
    Unknown(Vec<String>),
    #[error("cannot read variables from {}: {reason}", path.display())]
    Dotenv { path: PathBuf, reason: String },
    #[error(transparent)]
    Secrets(#[from] crate::secrets::SecretsError),
}

fn explain_missing(names: &[String]) -> String {
    let mut text = "these variables have no value; set each in one of the ways shown".to_owned();
    for name in names {
        let upper = name.to_ascii_uppercase();
        text += &format!(
            "\n  {name}: `--variable {name}=…`, SPIN_VARIABLE_{upper} in the environment or in .env, or a [[variables_provider]] in runtime-config.toml"
        );
    }
    text
}

fn explain_unknown(names: &[String]) -> String {
    let named: Vec<_> = names.iter().map(|name| format!("`--variable {name}=…`")).collect();
    format!(
        "{} sets a variable that [variables] in spin.toml does not declare; declare it or leave it out",
        named.join(", ")
    )
}
