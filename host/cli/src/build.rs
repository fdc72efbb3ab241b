//! `kobliat build`: the build commands of spin.toml, with a guest toolchain that is found or set up.

use anyhow::{Context, Result, bail};
use clap::Args;
use kobliat_build::{BuildCommand, Environment, Options, Way};
use kobliat_manifest::{Component, Manifest};
use std::path::{Path, PathBuf};

/// Forces one way of building guests: `rustup` or `debian`.
const TOOLCHAIN: &str = "KOBLIAT_GUEST_TOOLCHAIN";

#[derive(Args)]
pub struct Build {
    /// The manifest, or the directory that it is in
    #[arg(short, long, default_value = "spin.toml")]
    from: PathBuf,
    /// Build only these components
    #[arg(short, long = "component-id", value_name = "ID")]
    component: Vec<String>,
    /// Build the components as they are in this profile, where they have it
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Print only warnings and errors
    #[arg(short, long)]
    quiet: bool,
    /// As one who comes from `spin build` may write: there are no such checks here, nor anything generated
    #[arg(long, hide = true)]
    skip_target_checks: bool,
    #[arg(long, hide = true)]
    skip_generate_wits: bool,
}

impl Build {
    pub fn run(&self) -> Result<()> {
        let manifest = load(&self.from, self.profile.as_deref())?;
        if let Some(unknown) = self.component.iter().find(|id| !manifest.components.contains_key(*id)) {
            let known: Vec<&str> = manifest.components.keys().map(String::as_str).collect();
            bail!("there is no component `{unknown}` in {}; it has {}", manifest.path.display(), known.join(", "));
        }
        components(&manifest, &self.component, self.quiet)
    }
}

/// The application, with its components as they are in a profile.
pub fn load(from: &Path, profile: Option<&str>) -> Result<Manifest> {
    let mut manifest = Manifest::load(from).context("spin.toml is not valid")?;
    if let Some(profile) = profile {
        kobliat_runtime::profile(&mut manifest, profile)?;
    }
    Ok(manifest)
}

/// Builds the named components, all where none is named.
pub fn components(manifest: &Manifest, only: &[String], quiet: bool) -> Result<()> {
    let chosen = manifest.components.values().filter(|component| only.is_empty() || only.contains(&component.id));
    let commands: Vec<BuildCommand> = chosen.filter_map(|component| command(manifest, component)).collect();
    kobliat_build::build(&options(&manifest.dir, quiet)?, &commands, &mut |line| {
        if !quiet {
            tell!("{line}");
        }
    })?;
    Ok(())
}

/// How the application in `dir` is built.
pub fn options(dir: &Path, quiet: bool) -> Result<Options> {
    let environment = Environment::for_guests(std::env::vars_os());
    Ok(Options { root: root_of(dir), environment, toolchain: toolchain()?, quiet })
}

fn command(manifest: &Manifest, component: &Component) -> Option<BuildCommand> {
    let build = component.build.as_ref()?;
    let workdir = build.workdir.as_ref().map_or_else(|| root_of(&manifest.dir), |dir| manifest.dir.join(dir));
    Some(BuildCommand { component: component.id.clone(), commands: build.command.clone(), workdir })
}

fn root_of(dir: &Path) -> PathBuf {
    if dir.as_os_str().is_empty() { PathBuf::from(".") } else { dir.to_path_buf() }
}

fn toolchain() -> Result<Option<Way>> {
    match std::env::var(TOOLCHAIN).ok().as_deref() {
        None | Some("") => Ok(None),
        Some("rustup") => Ok(Some(Way::Rustup)),
        Some("debian") => Ok(Some(Way::Debian)),
        Some(other) => bail!("{TOOLCHAIN} is `{other}`; it can be `rustup` or `debian`"),
    }
}
