//! `kobliat new`: a new application from a template that is inside this command.

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct New {
    /// Its name: lower-case words with `-` between them
    name: String,
    /// What it begins as
    #[arg(short, long, value_enum, default_value_t = Template::HttpRust)]
    template: Template,
    /// The directory to make [default: the name, here]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// One sentence about it
    #[arg(long, default_value = "A new application", value_name = "TEXT")]
    description: String,
    /// As one who comes from `spin new` may write: nothing is asked here
    #[arg(short, long, hide = true)]
    accept_defaults: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Template {
    /// One component in Rust that answers HTTP
    HttpRust,
    /// A component that serves the files of a folder
    StaticFileserver,
    /// A web component that calls another by a typed interface
    TypedService,
}

/// A path and its text, in which `{{name}}`, `{{crate}}`, `{{ident}}` and `{{description}}` are replaced.
type File = (&'static str, &'static str);

/// Not called `.gitignore` here, where it would hide the templates' own files.
const IGNORED: File = (".gitignore", include_str!("../templates/gitignore"));

const HTTP_RUST: &[File] = &[
    IGNORED,
    ("spin.toml", include_str!("../templates/http-rust/spin.toml")),
    ("Cargo.toml", include_str!("../templates/http-rust/Cargo.toml.template")),
    ("src/lib.rs", include_str!("../templates/http-rust/src/lib.rs")),
];

const STATIC_FILESERVER: &[File] = &[
    IGNORED,
    ("spin.toml", include_str!("../templates/static-fileserver/spin.toml")),
    ("Cargo.toml", include_str!("../templates/static-fileserver/Cargo.toml.template")),
    ("src/lib.rs", include_str!("../templates/static-fileserver/src/lib.rs")),
    ("assets/index.html", include_str!("../templates/static-fileserver/assets/index.html")),
];

const TYPED_SERVICE: &[File] = &[
    IGNORED,
    ("spin.toml", include_str!("../templates/typed-service/spin.toml")),
    ("Cargo.toml", include_str!("../templates/typed-service/Cargo.toml.template")),
    ("wit/greeter.wit", include_str!("../templates/typed-service/wit/greeter.wit")),
    ("greeter/Cargo.toml", include_str!("../templates/typed-service/greeter/Cargo.toml.template")),
    ("greeter/src/lib.rs", include_str!("../templates/typed-service/greeter/src/lib.rs")),
    ("web/Cargo.toml", include_str!("../templates/typed-service/web/Cargo.toml.template")),
    ("web/src/lib.rs", include_str!("../templates/typed-service/web/src/lib.rs")),
];

impl Template {
    fn files(self) -> &'static [File] {
        match self {
            Template::HttpRust => HTTP_RUST,
            Template::StaticFileserver => STATIC_FILESERVER,
            Template::TypedService => TYPED_SERVICE,
        }
    }
}

impl New {
    pub fn run(&self) -> Result<()> {
        if !is_name(&self.name) {
            bail!("`{}` is no name: write lower-case words with `-` between them, like my-app", self.name);
        }
        let folder = self.output.clone().unwrap_or_else(|| PathBuf::from(&self.name));
        if folder.read_dir().is_ok_and(|mut entries| entries.next().is_some()) || folder.is_file() {
            bail!("`{}` is there already; choose another name, or another place with --output", folder.display());
        }
        for (path, text) in self.template.files() {
            write(&folder.join(path), &self.filled(text))?;
        }
        say!("Made {0}. Next:\n  cd {0}\n  kobliat up --build", folder.display());
        Ok(())
    }

    fn filled(&self, text: &str) -> String {
        // It goes between the quotes of TOML.
        let fits = |one: &char| !matches!(one, '"' | '\\') && !one.is_control();
        let description: String = self.description.chars().filter(fits).collect();
        let ident = self.name.replace('-', "_");
        text.replace("{{name}}", &self.name)
            .replace("{{crate}}", &ident)
            .replace("{{ident}}", &ident)
            .replace("{{description}}", &description)
    }
}

/// What a component id, a crate, a WIT package and a folder may all be called.
fn is_name(name: &str) -> bool {
    name.split('-').all(|word| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit())
    })
}

fn write(path: &Path, text: &str) -> Result<()> {
    let make = || -> std::io::Result<()> {
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        std::fs::write(path, text)
    };
    make().with_context(|| format!("failed to write `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use kobliat_manifest::Manifest;

    #[test]
    fn every_template_has_a_manifest_that_is_valid_and_nothing_left_to_fill() {
        let folder = tempfile::tempdir().unwrap();
        for template in Template::value_variants() {
            let name = "my-app2".to_owned();
            let output = folder.path().join(format!("{}", *template as u8));
            let description = "It \"greets\"".to_owned();
            let new =
                New { name, template: *template, output: Some(output.clone()), description, accept_defaults: true };
            new.run().unwrap();
            let manifest = Manifest::load(&output).unwrap_or_else(|errors| panic!("{errors}"));
            assert_eq!(manifest.application.name, "my-app2");
            assert_eq!(manifest.http_triggers.len(), 1);
            for (path, _) in template.files() {
                let text = std::fs::read_to_string(output.join(path)).unwrap();
                assert!(!text.contains("{{name") && !text.contains("{{ident") && !text.contains("{{crate"), "{path}");
            }
            assert!(new.run().unwrap_err().to_string().contains("is there already"));
        }
    }

    #[test]
    fn a_name_suits_all_that_is_named_by_it() {
        for good in ["a", "my-app", "app2"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "My", "my_app", "-a", "a-", "a--b", "2a", "a b", "../a"] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
