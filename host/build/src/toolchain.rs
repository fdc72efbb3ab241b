//! Which compiler builds the guests: rustup's with the target installed, or Debian's where rustup cannot have it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{Environment, Error, Options, Progress, debian, process};

/// The target of every guest.
pub const TARGET: &str = "wasm32-wasip2";

/// Where the target's standard library comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `rustup target add wasm32-wasip2`.
    Rustup,
    /// Debian's `rustc-web`, `rust-web-src` and `wasi-libc`.
    Debian,
}

/// A toolchain that is there and complete.
#[derive(Clone, Debug)]
pub struct Toolchain {
    pub way: Way,
    variables: Vec<(&'static str, OsString)>,
}

impl std::str::FromStr for Way {
    type Err = String;

    fn from_str(text: &str) -> Result<Way, String> {
        match text {
            "rustup" => Ok(Way::Rustup),
            "debian" => Ok(Way::Debian),
            other => Err(format!("the guest toolchain is `rustup` or `debian`, not `{other}`")),
        }
    }
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Way::Rustup => "rustup",
            Way::Debian => "debian",
        }
    }
}

/// The host toolchain that `cargo` and `rustc` stand for here.
struct HostToolchain {
    sysroot: PathBuf,
    triple: String,
}

impl Toolchain {
    /// Looks without changing anything: `None` when the target can be built by neither way.
    pub fn detect(options: &Options) -> Result<Option<Toolchain>, Error> {
        let host = HostToolchain::find(&options.environment)?;
        Ok(detect(options, &host))
    }

    /// The toolchain, set up first when it is missing.
    ///
    /// The choice is stable, because two compilers in one target directory would rebuild everything in turn: an installed target always
    /// wins, and else the way that built last is taken again, without asking rustup for a download once more.
    pub fn ensure(options: &Options, progress: Progress<'_>) -> Result<Toolchain, Error> {
        let host = HostToolchain::find(&options.environment)?;
        let toolchain = match detect(options, &host) {
            Some(found) => found,
            None => set_up(options, &host, progress)?,
        };
        remember(options, toolchain.way)?;
        Ok(toolchain)
    }

    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &OsString)> {
        self.variables.iter().map(|(name, value)| (*name, value))
    }
}

impl HostToolchain {
    fn find(environment: &Environment) -> Result<HostToolchain, Error> {
        let sysroot = process::ask(environment, "rustc", &["--print", "sysroot"]).map_err(|_| Error::NoCargo)?;
        let version = process::ask(environment, "rustc", &["-vV"]).map_err(|_| Error::NoCargo)?;
        let triple = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or(Error::NoCargo)?;
        Ok(HostToolchain { sysroot: sysroot.into(), triple: triple.to_owned() })
    }

    fn rustlib(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib")
    }

    fn has_target(&self) -> bool {
        self.rustlib().join(TARGET).join("lib").is_dir()
    }

    /// The linkers for the target are in rustup's host toolchain, whether or not the target is installed.
    fn linkers(&self) -> PathBuf {
        self.rustlib().join(&self.triple).join("bin")
    }
}

fn detect(options: &Options, host: &HostToolchain) -> Option<Toolchain> {
    match options.toolchain {
        Some(Way::Rustup) => rustup(host),
        Some(Way::Debian) => from_debian(host),
        None => rustup(host).or_else(|| from_debian(host).filter(|_| remembered(options) == Some(Way::Debian))),
    }
}

fn rustup(host: &HostToolchain) -> Option<Toolchain> {
    host.has_target().then(|| Toolchain { way: Way::Rustup, variables: Vec::new() })
}

fn from_debian(host: &HostToolchain) -> Option<Toolchain> {
    let variables = debian::variables(&host.linkers())?;
    Some(Toolchain { way: Way::Debian, variables })
}

fn set_up(options: &Options, host: &HostToolchain, progress: Progress<'_>) -> Result<Toolchain, Error> {
    let mut reasons = Vec::new();
    if options.toolchain != Some(Way::Debian) {
        match add_target(options, progress) {
            Ok(()) if host.has_target() => return Ok(Toolchain { way: Way::Rustup, variables: Vec::new() }),
            Ok(()) => reasons.push("rustup added the target to another toolchain".to_owned()),
            Err(reason) => reasons.push(reason),
        }
    }
    if options.toolchain != Some(Way::Rustup) {
        let installed = debian::install(&options.environment, &host.linkers(), progress);
        match installed.map(|()| from_debian(host)) {
            Ok(Some(toolchain)) => return Ok(toolchain),
            Ok(None) => reasons.push("Debian's packages are installed, but too old or incomplete".to_owned()),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(Error::NoToolchain { fix: fix(options.toolchain), reason: reasons.join("; ") })
}

/// A slow line downloads the target (25 MB) in this time; a network that swallows packets costs no more than this, once.
const DOWNLOAD: Duration = Duration::from_secs(120);

fn add_target(options: &Options, progress: Progress<'_>) -> Result<(), String> {
    progress(&format!("Adding the target {TARGET} with rustup"));
    process::change(&options.environment, "rustup", &["target", "add", TARGET], DOWNLOAD)
}

/// One sentence that says what to run.
fn fix(wanted: Option<Way>) -> String {
    let rustup = format!("`rustup target add {TARGET}`");
    let debian = format!(
        "`sudo apt-get update && sudo apt-get install -y --no-install-recommends {}`",
        debian::PACKAGES.join(" ")
    );
    let run = match wanted {
        Some(Way::Rustup) => rustup,
        Some(Way::Debian) => debian,
        None if debian::is_debian(Path::new(debian::OS_RELEASE)) => {
            format!("{rustup} or, where rustup cannot download it, {debian}")
        }
        None => rustup,
    };
    format!("the guests need the target {TARGET}: run {run}, then repeat the command")
}

fn memory(options: &Options) -> PathBuf {
    options.guests_dir().join(".toolchain")
}

fn remembered(options: &Options) -> Option<Way> {
    fs::read_to_string(memory(options)).ok()?.trim().parse().ok()
}

fn remember(options: &Options, way: Way) -> Result<(), Error> {
    if remembered(options) == Some(way) {
        return Ok(());
    }
    let path = memory(options);
    fs::create_dir_all(options.guests_dir()).map_err(|source| Options::file_error(&path, source))?;
    fs::write(&path, way.name()).map_err(|source| Options::file_error(&path, source))
}
