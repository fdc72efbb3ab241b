//! Compiles bytes that came at run time: in a child process with little memory and time, because a component can be made to
//! cost its compiler any amount of both.

pub use kobliat_engine::EngineOptions;
use kobliat_engine::{ComponentCache, Engine};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use wasmtime::component::Component;

/// Compiling takes seconds; a component for which this is not enough is made to be.
const TIME: Duration = Duration::from_secs(120);

/// Beyond what the child uses before it begins. A component of some MiB needs a few hundred.
const MEMORY_BYTES: u64 = 3 << 30;

/// The hidden command of the program that compiles.
pub const COMMAND: &str = "compile-component";

/// What the machine code shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// As good as it gets.
    Full,
    /// There soon, for who waits for it while writing; the next start compiles the version in full.
    Draft,
}

pub struct Compiler {
    pub cache: ComponentCache,
    /// Drafts, apart from what is compiled in full.
    pub drafts: ComponentCache,
    pub directory: PathBuf,
    pub engine: EngineOptions,
    /// The program whose [`COMMAND`] compiles; without one, a host that is embedded compiles in its own process.
    pub program: Option<PathBuf>,
}

impl Compiler {
    /// The compiled component, from the cache or by the child.
    pub async fn compile(&self, wasm: Vec<u8>, quality: Quality) -> Result<Component, String> {
        ComponentCache::check(&wasm).map_err(|error| error.to_string())?;
        let draft = quality == Quality::Draft && self.program.is_some() && !self.cache.has(&wasm);
        let (cache, quality) = if draft { (&self.drafts, Quality::Draft) } else { (&self.cache, Quality::Full) };
        if let Some(program) = &self.program
            && !cache.has(&wasm)
        {
            self.run(program, &wasm, quality).await?;
            if !cache.has(&wasm) {
                return Err("it was compiled, and could not be kept: is the disk full?".to_owned());
            }
        }
        let cache = cache.clone();
        let loaded = tokio::task::spawn_blocking(move || cache.load(&wasm)).await;
        loaded.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
    }

    async fn run(&self, program: &Path, wasm: &[u8], quality: Quality) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("failed to run the compiler: {error}");
        let mut file = tempfile::NamedTempFile::new_in(&self.directory).map_err(failed)?;
        file.write_all(wasm).map_err(failed)?;
        let child = Command::new(program)
            .arg(COMMAND)
            .arg(file.path())
            .arg(if quality == Quality::Draft { drafts_in(&self.directory) } else { self.directory.clone() })
            .args([
                self.engine.instances.to_string(),
                self.engine.max_memory.to_string(),
                self.engine.pooling.to_string(),
                (quality == Quality::Draft).to_string(),
            ])
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        match tokio::time::timeout(TIME, child.wait_with_output()).await {
            Err(_elapsed) => Err(format!("it was not compiled within {} s", TIME.as_secs())),
            Ok(Err(error)) => Err(failed(error)),
            Ok(Ok(output)) if output.status.success() => Ok(()),
            Ok(Ok(output)) => Err(reason(&output)),
        }
    }
}

/// What the child said last; one that was killed said nothing.
fn reason(output: &std::process::Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    match said.lines().rev().find_map(|line| line.strip_prefix("Error: ")) {
        Some(reason) => reason.to_owned(),
        None => format!("its compiler ran out of memory or time ({})", output.status),
    }
}

/// Where drafts are kept in the directory of compiled components.
pub fn drafts_in(directory: &Path) -> PathBuf {
    directory.join("drafts")
}

/// The child's side.
pub fn compile_component(
    file: &Path,
    directory: &Path,
    options: &EngineOptions,
    quality: Quality,
) -> anyhow::Result<()> {
    let engine = Engine::new(options).map_err(anyhow::Error::msg)?;
    let cache = ComponentCache::new(engine, Some(directory))?;
    let draft = (quality == Quality::Draft).then(|| Engine::draft(options)).transpose().map_err(anyhow::Error::msg)?;
    let wasm = std::fs::read(file)?;
    limit()?;
    match draft {
        Some(engine) => cache.keep_draft(&engine, &wasm)?,
        None => {
            // Requests come first; where nobody asks, it is as fast.
            let _ = rustix::process::nice(5);
            cache.load(&wasm)?;
        }
    }
    Ok(())
}

/// After the engines were made: the address space that they reserve is no memory, and has no room within the limit.
fn limit() -> anyhow::Result<()> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let used = status.lines().find_map(|line| line.strip_prefix("VmData:")?.trim().strip_suffix(" kB")?.parse().ok());
    let used: u64 = used.unwrap_or(0) << 10;
    lower(Resource::Data, used + MEMORY_BYTES)?;
    lower(Resource::Cpu, TIME.as_secs())?;
    Ok(())
}

fn lower(resource: Resource, to: u64) -> rustix::io::Result<()> {
    let now = getrlimit(resource);
    let to = now.maximum.map_or(to, |maximum| to.min(maximum));
    setrlimit(resource, Rlimit { current: Some(to), maximum: Some(to) })
}
