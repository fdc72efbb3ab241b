//! `kobliat doctor`: looks at an application without starting it, and says what is wrong with it and what to do.

mod findings;
mod remedy;

use crate::build::options;
use anyhow::{Result, bail};
use clap::Args;
use findings::{Finding, of_manifest, of_runtime_config};
use kobliat_build::{TARGET, Toolchain};
use kobliat_manifest::Manifest;
use kobliat_runtime::RuntimeConfig;
use remedy::Remedy;
use std::path::PathBuf;

#[derive(Args)]
pub struct Doctor {
    /// The manifest, or the directory that it is in
    #[arg(short, long, default_value = "spin.toml")]
    from: PathBuf,
    /// The runtime config [default: runtime-config.toml beside the manifest, if it exists]
    #[arg(long, value_name = "FILE", env = "RUNTIME_CONFIG_FILE")]
    runtime_config_file: Option<PathBuf>,
    /// Do what can be done about it: build what is missing, set up the toolchain, configure labels
    #[arg(long)]
    fix: bool,
}

impl Doctor {
    /// Fails when there is something that keeps the application from starting; advice alone does not.
    pub fn run(&self) -> Result<()> {
        let mut findings = self.findings()?;
        if self.fix && self.remedy(&findings)? {
            findings = self.findings()?;
        }
        for Finding { wrong, fix, .. } in &findings {
            say!("{wrong}\n  fix: {fix}");
        }
        if !self.fix && findings.iter().any(|finding| finding.remedy.is_some()) {
            say!("`kobliat doctor --fix` does some of that.");
        }
        match findings.iter().filter(|finding| finding.fatal).count() {
            0 if findings.is_empty() => say!("All is well with {}.", self.from.display()),
            0 => say!("{} can start.", self.from.display()),
            fatal => bail!(
                "{fatal} of these keep{} {} from starting",
                if fatal == 1 { "s" } else { "" },
                self.from.display()
            ),
        }
        Ok(())
    }

    /// Whether anything was done.
    fn remedy(&self, findings: &[Finding]) -> Result<bool> {
        let remedies: Vec<&Remedy> = findings.iter().filter_map(|finding| finding.remedy.as_ref()).collect();
        if remedies.is_empty() {
            return Ok(false);
        }
        let manifest = Manifest::load(&self.from)?;
        let config = self.runtime_config_file.clone().unwrap_or_else(|| manifest.dir.join("runtime-config.toml"));
        for remedy in remedies {
            say!("Fixing: {remedy}");
            remedy.apply(&manifest, &config)?;
        }
        Ok(true)
    }

    fn findings(&self) -> Result<Vec<Finding>> {
        let manifest = match Manifest::load(&self.from) {
            Ok(manifest) => manifest,
            // Nothing else can be judged.
            Err(errors) => return Ok(vec![Finding::fatal(errors.to_string(), "correct the manifest, then ask again")]),
        };
        let mut findings = toolchain(&manifest)?;
        findings.extend(of_manifest(&manifest, |path| manifest.dir.join(path).exists()));
        match RuntimeConfig::load(self.runtime_config_file.as_deref(), &manifest.dir) {
            Ok(config) => findings.extend(of_runtime_config(&manifest, &config)),
            Err(error) => findings.push(Finding::fatal(error.to_string(), "correct the runtime config")),
        }
        Ok(findings)
    }
}

/// Only an application that builds for the guests' target needs it.
fn toolchain(manifest: &Manifest) -> Result<Vec<Finding>> {
    let builds = manifest.components.values().filter_map(|component| component.build.as_ref());
    if !builds.flat_map(|build| &build.command).any(|command| command.contains(TARGET)) {
        return Ok(Vec::new());
    }
    let missing = match Toolchain::detect(&options(&manifest.dir, true)?) {
        Ok(Some(_)) => return Ok(Vec::new()),
        Ok(None) => format!("the Rust target {TARGET} is not installed"),
        Err(error) => error.to_string(),
    };
    let fix = format!("`kobliat build` sets it up; by hand: `rustup target add {TARGET}`");
    Ok(vec![Finding { wrong: missing, fix, fatal: false, remedy: Some(Remedy::Toolchain) }])
}
