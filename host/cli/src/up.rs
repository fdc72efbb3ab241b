//! `kobliat up`: starts the platform, says where it is and what to try, and stops it in order.

use crate::application::ApplicationFlags;
use crate::build;
use crate::follow::Follow;
use crate::registries;
use crate::values::head_size;
use crate::watch;
use anyhow::{Context, Error, Result, bail};
use clap::{Args, ValueEnum};
use kobliat_registry::Reference;
use kobliat_runtime::{Log, Options, RouteInfo, Runtime, TelemetrySettings, TlsOptions};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// How `up` says that it is ready.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Plain,
    Json,
}

#[derive(Args)]
struct TlsFlags {
    /// Serve HTTPS with this certificate chain (PEM); it is read anew when it changes
    #[arg(long, env = "SPIN_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key (PEM)
    #[arg(long, env = "SPIN_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Serve only clients with a certificate of these authorities (PEM)
    #[arg(long, env = "KOBLIAT_TLS_CLIENT_CA", value_name = "FILE", requires = "tls_cert")]
    tls_client_ca: Option<PathBuf>,
}

impl TlsFlags {
    fn options(&self) -> Option<TlsOptions> {
        let (certificate, key) = (self.tls_cert.clone()?, self.tls_key.clone()?);
        Some(TlsOptions { certificate, key, client_authorities: self.tls_client_ca.clone() })
    }
}

#[derive(Args)]
pub struct Up {
    /// The manifest, the directory that it is in, a component (.wasm), which then serves every path, or either in a registry
    /// (registry/repository:tag or @sha256:…)
    #[arg(short, long, aliases = ["file", "from-file", "from-registry"], default_value = "spin.toml")]
    pub from: PathBuf,
    /// The address to listen on; port 0 finds a free one
    #[arg(long, env = "SPIN_HTTP_LISTEN_ADDR", default_value = "127.0.0.1:3000", value_name = "ADDRESS")]
    listen: String,
    /// Open the admin surface by TCP, too, for who has the token in the state directory; port 0 finds a free one
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<SocketAddr>,
    /// Take one of the next ports when that of --listen is taken
    #[arg(long)]
    find_free_port: bool,
    #[command(flatten)]
    tls: TlsFlags,
    /// The longest head of a request, in bytes [default: 32768]
    #[arg(long, env = "SPIN_HTTP1_MAX_BUF_SIZE", value_name = "BYTES", value_parser = head_size)]
    http1_max_buf_size: Option<usize>,
    /// How the start-up lines are written
    #[arg(long, value_enum, default_value_t = Format::Plain)]
    format: Format,
    /// Where databases, logs and secrets are [default: the runtime config's, else .kobliat beside the manifest]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// The runtime config [default: runtime-config.toml beside the manifest, if it exists]
    #[arg(long, value_name = "FILE", env = "RUNTIME_CONFIG_FILE")]
    pub runtime_config_file: Option<PathBuf>,
    #[command(flatten)]
    application: ApplicationFlags,
    /// Build the components first
    #[arg(long, env = "SPIN_ALWAYS_BUILD", value_parser = clap::builder::FalseyValueParser::new())]
    build: bool,
    /// Build and swap in what is saved while it runs; a changed manifest is taken over, too
    #[arg(long)]
    watch: bool,
    /// Compose dependencies into their dependers, as Spin does, instead of linking them at run time
    #[arg(long)]
    no_links: bool,
    /// Run the manifest's versions again, whatever was swapped in
    #[arg(long)]
    reset: bool,
    /// Show what this component writes, as it comes; may be repeated, and `all` is every component [default on a terminal: all]
    #[arg(long, value_name = "ID")]
    follow: Vec<String>,
    /// Print only warnings and errors
    #[arg(short, long, aliases = ["sh", "shush"], conflicts_with = "follow")]
    pub quiet: bool,
    #[command(flatten)]
    refused: Refused,
}

/// Flags of `spin up` that mean nothing here: who has them in a script is told why.
#[derive(Args)]
struct Refused {
    #[arg(long, hide = true)]
    debug_info: bool,
    #[arg(long, hide = true)]
    experimental_wasi_otel: bool,
}

impl Refused {
    fn check(&self) -> Result<()> {
        if self.debug_info {
            bail!(
                "`--debug-info` is for a debugger of the host's process, which this host has no support for; leave it out"
            );
        }
        if self.experimental_wasi_otel {
            bail!(
                "`--experimental-wasi-otel`: this host has no `wasi:otel`; leave it out (spans of components go to `OTEL_EXPORTER_OTLP_ENDPOINT` without it)"
            );
        }
        Ok(())
    }
}

impl Up {
    /// The same, building and following.
    pub fn watching(self) -> Self {
        Self { build: true, watch: true, ..self }
    }

    pub fn run(&self, log: Log) -> Result<()> {
        self.refused.check()?;
        let remote = registries::application(&self.from);
        if remote.is_some() && (self.build || self.watch) {
            bail!("`{}` is built already; leave out `--build` and `--watch`", self.from.display());
        }
        if self.build {
            let manifest = build::load(&self.from, self.application.profile.as_deref())?;
            build::components(&manifest, &[], self.quiet)?;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let served = runtime.block_on(self.serve(log, remote));
        // A build that `--watch` has begun is not waited for.
        runtime.shutdown_background();
        served
    }

    async fn serve(&self, log: Log, remote: Option<Reference>) -> Result<()> {
        // Before anything is started, so that a signal during start-up ends it in order, too.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let platform = tokio::select! {
            started = self.start(log, remote) => started?,
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
        };
        let followed = self.followed(&platform)?;
        self.announce(&platform);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = self.follow(&platform), if self.watch => {}
            () = followed.run() => {}
        }
        if !self.quiet {
            tell!("Stopping: requests that run are finished first. Press Ctrl-C again to stop at once.");
        }
        tokio::select! {
            () = platform.shutdown() => Ok(()),
            _ = interrupt.recv() => bail!("stopped at once; what was acknowledged is on disk"),
            _ = terminate.recv() => bail!("stopped at once; what was acknowledged is on disk"),
        }
    }

    /// Who sits before it sees what components write, as with Spin; a file or a pipe gets it when it is asked for.
    fn followed(&self, platform: &Runtime) -> Result<Follow> {
        let watched = self.follow.is_empty() && !self.quiet && std::io::stdout().is_terminal();
        if watched && platform.log_dir().is_some() {
            Follow::all(platform)
        } else {
            Follow::new(&self.follow, platform)
        }
    }

    async fn start(&self, log: Log, remote: Option<Reference>) -> Result<Runtime> {
        let mut options = self.options(log)?;
        if let Some(reference) = remote {
            (options.progress)(&format!("Fetching {reference}, where it is not here yet"));
            let cache = options.cache_dir.as_deref();
            options.manifest = registries::pull(&reference, &options.registries, cache).await?;
            // Beside the manifest is the cache, which is no place for data.
            options.state_dir = options.state_dir.or_else(|| Some(options.working_dir.join(".kobliat")));
        }
        Ok(Runtime::start(options).await?)
    }

    /// Goes on until the host stops: a watch that fails leaves the platform as it is.
    async fn follow(&self, platform: &Runtime) {
        let (config, state_dir) = (self.runtime_config_file.clone(), platform.state_dir());
        if let Err(error) = watch::follow(self.from.clone(), config, self.quiet, state_dir).await {
            tell!("Watch: {error:#}");
        }
        std::future::pending().await
    }

    fn options(&self, log: Log) -> Result<Options> {
        let environment = environment();
        let telemetry = TelemetrySettings::from_environment(&environment).map_err(Error::msg)?;
        let options = Options {
            listen: address(&self.listen)?,
            admin_listen: self.admin_listen,
            find_free_port: self.find_free_port,
            tls: self.tls.options(),
            max_head: self.http1_max_buf_size,
            reset: self.reset,
            compiler: std::env::current_exe().ok(),
            state_dir: self.state_dir.clone(),
            runtime_config: self.runtime_config_file.clone(),
            environment,
            telemetry,
            log,
            working_dir: std::env::current_dir().context("failed to find the working directory")?,
            links: !self.no_links,
            progress: if self.quiet { |_| () } else { |line| tell!("{line}") },
            ..Options::new(self.from.clone())
        };
        Ok(self.application.apply(options))
    }

    /// The first lines are Spin's, to the letter: tools parse them.
    fn announce(&self, platform: &Runtime) {
        if self.quiet {
            return;
        }
        let scheme = if platform.has_tls() { "https" } else { "http" };
        let base = format!("{scheme}://{}", platform.address());
        if self.format == Format::Json {
            return print(&json(platform, &base));
        }
        let mut lines = vec![format!("Serving {base}"), "Available Routes:".to_string()];
        lines.extend(platform.routes().iter().map(|route| show_route(route, &base)));
        lines.push(String::new());
        lines.push(format!("Data:    {}", platform.state_dir().display()));
        if let Some(log_dir) = platform.log_dir() {
            lines.push(format!("Logs:    {}", log_dir.display()));
        }
        if platform.secrets_file().exists() {
            lines.push(format!("Secrets: {}{}", platform.secrets_file().display(), just_made(platform)));
        }
        if let Some(address) = platform.admin_address() {
            lines.push(format!("Admin:   http://{address} (token: {}/admin-token)", platform.state_dir().display()));
        }
        lines.extend(platform.swapped_in().iter().map(|id| {
            format!("Swapped: component `{id}` runs a version that was swapped in, not the manifest's; `kobliat up --reset` returns to that")
        }));
        lines.extend(try_next(self, platform));
        print(&lines.join("\n"));
    }
}

fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{text}").and_then(|()| out.flush()));
}

/// What Spin's `--format json` writes, for tools that start an application.
fn json(platform: &Runtime, base: &str) -> String {
    let routes: Vec<serde_json::Value> = platform.routes().iter().map(|route| route_json(route, base)).collect();
    let whole = serde_json::json!({ "base_url": base, "routes": routes });
    format!("{whole:#}")
}

fn route_json(route: &RouteInfo, base: &str) -> serde_json::Value {
    let path = if route.path == "/" { "" } else { &route.path };
    let mut shown =
        serde_json::json!({ "id": route.name, "route": format!("{base}{path}"), "wildcard": route.wildcard });
    if let (Some(description), Some(fields)) = (&route.description, shown.as_object_mut()) {
        fields.insert("description".to_owned(), description.as_str().into());
    }
    shown
}

fn show_route(route: &RouteInfo, base: &str) -> String {
    let wildcard = if route.wildcard { " (wildcard)" } else { "" };
    let path = if route.path == "/" { "" } else { &route.path };
    let mut line = format!("  {}: {base}{path}{wildcard}", route.name);
    if let Some(description) = &route.description {
        line.push_str(&format!("\n    {description}"));
    }
    line
}

fn just_made(platform: &Runtime) -> String {
    match platform.generated_secrets() {
        [] => String::new(),
        made => format!(" (made just now: {}; replace a provider's secret by the real one)", made.join(", ")),
    }
}

/// The application's own next step, where it brings an example.
fn try_next(up: &Up, platform: &Runtime) -> Option<String> {
    let example = up.from.parent().map(|dir| dir.join("examples/whatsapp-webhook/send.sh"))?;
    let is_default = platform.address().port() == 3000 && up.state_dir.is_none();
    (example.exists() && is_default)
        .then(|| format!("\nTry it: {} sends a signed WhatsApp message and shows its conversation", example.display()))
}

fn address(text: &str) -> Result<SocketAddr> {
    let mut addresses = text
        .to_socket_addrs()
        .with_context(|| format!("`--listen {text}` is not an address; write it as 127.0.0.1:3000"))?;
    addresses.next().with_context(|| format!("`--listen {text}` names no address"))
}

/// Variables that are not UTF-8 can not be application variables.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
