//! The suite: builds what it measures, starts every server once, and works through its parts.

mod api;
mod calls;
mod events;
mod hello;
mod hostile;
mod idle;
mod platform;
mod reads;
mod records;
mod stream;
mod swap;
mod upload;
mod webhook;

pub use events::open as open_events;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context, ensure};
use kobliat_build::{Environment, Options, build_packages, guest_packages};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::arguments::Run;
use crate::cores::Cores;
use crate::disk;
use crate::report::Report;
use crate::rounds::Rounds;
use crate::server::Server;

/// What every part works with.
pub struct Bench {
    run: Run,
    root: PathBuf,
    cores: Option<Cores>,
    runtime: Runtime,
    next: Arc<AtomicU64>,
}

pub fn run(run: &Run) -> anyhow::Result<()> {
    let bench = Bench::new(run.clone())?;
    let parts = || PARTS.iter().filter(|part| run.only.is_empty() || run.only.iter().any(|only| only == part.name));
    if parts().any(|part| part.needs_platform) {
        bench.build()?;
    }
    let mut report = Report::default();
    for Part { name, measure, .. } in parts() {
        eprintln!("{name}");
        measure(&bench, &mut report).with_context(|| format!("the part `{name}` failed"))?;
    }
    println!("{}", report.markdown());
    Ok(())
}

struct Part {
    name: &'static str,
    measure: fn(&Bench, &mut Report) -> anyhow::Result<()>,
    /// Host and guests are built first.
    needs_platform: bool,
}

const PARTS: &[Part] = &[
    Part { name: "disk", measure: measure_disk, needs_platform: false },
    Part { name: "hello", measure: hello::measure, needs_platform: true },
    Part { name: "calls", measure: calls::measure, needs_platform: true },
    Part { name: "records", measure: records::measure, needs_platform: true },
    Part { name: "stream", measure: stream::measure, needs_platform: true },
    Part { name: "webhook", measure: webhook::measure, needs_platform: true },
    Part { name: "api", measure: api::measure, needs_platform: true },
    Part { name: "upload", measure: upload::measure, needs_platform: true },
    Part { name: "thumbnail", measure: upload::measure_thumbnails, needs_platform: true },
    Part { name: "platform", measure: platform::measure, needs_platform: true },
    Part { name: "idle", measure: idle::measure, needs_platform: true },
    Part { name: "swap", measure: swap::measure, needs_platform: true },
    Part { name: "hostile", measure: hostile::measure, needs_platform: true },
    Part { name: "events", measure: events::measure, needs_platform: false },
];

fn measure_disk(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    bench.disk(report, "alone")
}

impl Bench {
    fn new(run: Run) -> anyhow::Result<Bench> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
        let cores = if run.unpinned { None } else { Cores::find() };
        // Before the runtime's threads exist, so that they stay on the generator's core.
        if let Some(cores) = cores {
            cores.as_server(|| ());
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        Ok(Bench { run, root, cores, runtime, next: Arc::default() })
    }

    /// The platform's binary, in the profile of this program, and the guests.
    fn build(&self) -> anyhow::Result<()> {
        // `--bin`, not `--package`: cargo unifies features over what is selected, and another selection builds wasmtime again.
        let built = Command::new("cargo").args(["build", "--bin", "kobliat"]).current_dir(&self.root).status()?;
        ensure!(built.success(), "failed to build the host");
        let environment = Environment::for_guests(std::env::vars_os());
        let options = Options { root: self.root.clone(), environment, toolchain: None, quiet: false };
        for folder in ["components", "tests/test-components"] {
            let packages = guest_packages(&self.root.join(folder))?;
            build_packages(&options, &packages, &mut |line| eprintln!("{line}"))?;
        }
        Ok(())
    }

    /// A directory on the disk that the repository is on: one in memory would make commits free.
    fn state(&self) -> anyhow::Result<TempDir> {
        Ok(tempfile::Builder::new().prefix("bench-").tempdir_in(self.root.join("target"))?)
    }

    /// Printed wherever a durable result is: the disk of one minute is not that of the next.
    fn disk(&self, report: &mut Report, when: &str) -> anyhow::Result<()> {
        let median = disk::fdatasync_median(self.state()?.path())?;
        report.add(format!("fdatasync of a 4 KiB page, p50, {when}"), format!("{} µs", median.as_micros()), "—");
        Ok(())
    }

    /// `kobliat up` of a manifest, with its state in `state`.
    fn platform(&self, manifest: &Path, state: &Path, variables: &[String]) -> anyhow::Result<Command> {
        let mut command = Command::new(sibling("kobliat")?);
        command.args(["up", "--listen", "127.0.0.1:0"]).arg("--from").arg(manifest);
        command.arg("--state-dir").arg(state).current_dir(&self.root);
        for variable in variables {
            command.args(["--variable", variable]);
        }
        Ok(command)
    }

    /// This program, as a server.
    fn native(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments);
        Ok(command)
    }

    fn start(&self, name: &'static str, command: Command) -> anyhow::Result<Server> {
        Server::start(name, command, self.cores)
    }

    fn rounds(&self) -> Rounds<'_> {
        Rounds { rounds: self.run.rounds, length: Duration::from_secs(self.run.seconds), next: &self.next }
    }
}

/// A program built beside this one.
fn sibling(name: &str) -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let path = this.parent().context("a program has a folder")?.join(name);
    ensure!(path.is_file(), "`{}` is not built", path.display());
    Ok(path)
}
