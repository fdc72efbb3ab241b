//! The manifest's build commands, and which of them one cargo process can run together.

use std::path::{Path, PathBuf};

/// What `[component.<id>.build]` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildCommand {
    pub component: String,
    /// Run in order by the shell, as Spin runs them.
    pub commands: Vec<String>,
    pub workdir: PathBuf,
}

/// One process to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The components it builds, for progress and for errors.
    pub components: Vec<String>,
    pub line: String,
    pub workdir: PathBuf,
}

/// The processes to run, in the manifest's order. Neighbours that are the same `cargo build` but for the package become one:
/// five link-time optimisations one after the other would leave the other cores idle.
pub(crate) fn steps(commands: &[BuildCommand]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut last: Option<CargoBuild> = None;
    for command in commands {
        for line in &command.commands {
            let cargo = CargoBuild::parse(line);
            let joined = match (&mut last, &cargo, steps.last_mut()) {
                (Some(last), Some(cargo), Some(step)) if last.rest == cargo.rest && step.workdir == command.workdir => {
                    last.packages.extend(cargo.packages.iter().cloned());
                    step.components.push(command.component.clone());
                    step.line = last.line();
                    true
                }
                _ => false,
            };
            if !joined {
                steps.push(Step::new(&command.component, line, &command.workdir));
                last = cargo;
            }
        }
    }
    steps
}

impl Step {
    fn new(component: &str, line: &str, workdir: &Path) -> Step {
        Step { components: vec![component.to_owned()], line: line.to_owned(), workdir: workdir.to_owned() }
    }

    /// "component `a`" or "components `a`, `b`".
    pub fn what(&self) -> String {
        let names = self.components.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        if self.components.len() == 1 { format!("component {names}") } else { format!("components {names}") }
    }
}

/// A `cargo build` of one package, taken apart.
struct CargoBuild {
    packages: Vec<String>,
    /// The words after `cargo build`, but for the package, in order.
    rest: Vec<String>,
}

/// With one of these in it, the line means something to the shell and is left alone.
const SHELL: &[char] =
    &['|', '&', ';', '<', '>', '(', ')', '$', '`', '\\', '"', '\'', '*', '?', '[', '#', '~', '=', '%', '\n'];

impl CargoBuild {
    fn parse(line: &str) -> Option<CargoBuild> {
        if line.contains(SHELL) {
            return None;
        }
        let mut words = line.strip_prefix("cargo build ")?.split_whitespace();
        let (mut packages, mut rest) = (Vec::new(), Vec::new());
        while let Some(word) = words.next() {
            if word == "-p" || word == "--package" {
                packages.push(words.next()?.to_owned());
            } else {
                rest.push(word.to_owned());
            }
        }
        (packages.len() == 1).then_some(CargoBuild { packages, rest })
    }

    fn line(&self) -> String {
        let packages = self.packages.iter().flat_map(|package| ["-p", package.as_str()]);
        let words = self.rest.iter().map(String::as_str).chain(packages);
        ["cargo", "build"].into_iter().chain(words).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(component: &str, line: &str) -> BuildCommand {
        BuildCommand { component: component.into(), commands: vec![line.into()], workdir: "/app".into() }
    }

    #[test]
    fn packages_of_the_same_build_share_one_cargo() {
        let steps = steps(&[
            command("a", "cargo build --target wasm32-wasip2 --release -p a --target-dir target/guests"),
            command("b", "cargo build --target wasm32-wasip2 --release -p b --target-dir target/guests"),
        ]);
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].line, "cargo build --target wasm32-wasip2 --release --target-dir target/guests -p a -p b");
        assert_eq!(steps[0].what(), "components `a`, `b`");
    }

    #[test]
    fn what_differs_in_more_than_the_package_runs_alone_and_in_order() {
        let mut elsewhere = command("d", "cargo build -p d");
        elsewhere.workdir = "/other".into();
        let lines = [
            command("a", "cargo build -p a"),
            command("b", "cargo build --release -p b"),
            command("c", "npm run build"),
            command("e", "cargo build -p e"),
            elsewhere,
        ];
        let steps = steps(&lines);
        let ran: Vec<_> = steps.iter().map(|step| step.line.as_str()).collect();
        assert_eq!(
            ran,
            ["cargo build -p a", "cargo build --release -p b", "npm run build", "cargo build -p e", "cargo build -p d"]
        );
    }

    #[test]
    fn a_line_for_the_shell_is_left_alone() {
        for line in ["cargo build -p a && touch x", "FLAG=1 cargo build -p a", "cargo build -p $X", "cargo test -p a"] {
            assert!(CargoBuild::parse(line).is_none(), "{line}");
        }
    }

    #[test]
    fn a_sequence_of_commands_stays_a_sequence() {
        let both = BuildCommand {
            component: "ui".into(),
            commands: vec!["npm ci".into(), "npm run build".into()],
            workdir: "/app".into(),
        };
        assert_eq!(steps(&[both]).len(), 2);
    }
}
