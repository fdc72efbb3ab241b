//! The flags of `kobliat up` that change the application: what it is given, what of it runs, within which limits.

use crate::registries::RegistryFlags;
use crate::values::{bytes, compiled_dir, counts, durations, maybe_empty, pair, sqlite, variables};
use clap::Args;
use kobliat_runtime::{InstanceOptions, Options, SqlitePreset};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args)]
pub struct ApplicationFlags {
    /// Serve only these components' routes; may be repeated
    #[arg(short, long = "component-id", value_name = "ID")]
    component: Vec<String>,
    /// Set an environment variable of all components; may be repeated
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = pair)]
    env: Vec<(String, String)>,
    /// Set application variables: @FILE.toml or @FILE.json (names and values), NAME=@FILE (the file's text), the same with
    /// `-` for stdin, or NAME=VALUE, which every user of the machine sees in the process list; may be repeated
    #[arg(long = "variable", value_name = "@FILE", value_parser = variables)]
    variables: Vec<Pairs>,
    /// Set a key of the default key-value store; may be repeated
    #[arg(long = "key-value", value_name = "KEY=VALUE", value_parser = pair)]
    key_values: Vec<(String, String)>,
    /// Run statements in a database at start: SQL, @FILE.sql or @FILE.sql:LABEL; may be repeated
    #[arg(long, value_name = "SQL", value_parser = sqlite)]
    sqlite: Vec<SqlitePreset>,
    /// Run the components as they are in this profile, where they have it
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Mount the application's own folders instead of copies of its files
    #[arg(long)]
    direct_mounts: bool,
    /// Let components write into the copies of their files; the next start has nothing of it
    #[arg(long)]
    allow_transient_write: bool,
    /// The directory of the components' logs; empty for none
    #[arg(short = 'L', long, value_name = "DIR", env = "SPIN_LOG_DIR", value_parser = maybe_empty)]
    log_dir: Option<PathBuf>,
    /// Begin the components' logs anew
    #[arg(long)]
    truncate_logs: bool,
    /// The most memory that an instance may have, in bytes or as 64MiB
    #[arg(long, value_name = "SIZE", env = "SPIN_MAX_INSTANCE_MEMORY", value_parser = bytes)]
    max_instance_memory: Option<u64>,
    /// How many requests an instance serves; of a range N..M, each instance gets a number
    #[arg(long, value_name = "N", value_parser = counts)]
    max_instance_reuse_count: Option<Range<u32>>,
    /// How many requests an instance serves at once, or a range
    #[arg(long, value_name = "N", value_parser = counts)]
    max_instance_concurrent_reuse_count: Option<Range<u32>>,
    /// How long a request may take, like 30s or 500ms, or a range
    #[arg(long, value_name = "TIME", value_parser = durations)]
    request_timeout: Option<Range<Duration>>,
    /// How long an unused instance is kept, or a range
    #[arg(long, value_name = "TIME", value_parser = durations)]
    idle_instance_timeout: Option<Range<Duration>>,
    /// Where the copies of the components' files are made [default: the state directory]
    #[arg(long, alias = "tmp", value_name = "DIR")]
    temp: Option<PathBuf>,
    /// Make instances one by one, where address space is short
    #[arg(long)]
    disable_pooling: bool,
    /// Compile the components at each start
    #[arg(long, env = "DISABLE_WASMTIME_CACHE", value_parser = clap::builder::FalseyValueParser::new())]
    disable_cache: bool,
    /// Keep compiled components in the `directory` of this Wasmtime cache configuration
    #[arg(long, value_name = "FILE", env = "WASMTIME_CACHE_FILE", value_parser = compiled_dir, conflicts_with = "disable_cache")]
    cache: Option<PathBuf>,
    /// Keep what is fetched here [default: the state directory; for an application from a registry, the user's cache]
    #[arg(long, value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
    #[command(flatten)]
    pub registries: RegistryFlags,
}

/// What one `--variable` sets.
pub type Pairs = Vec<(String, String)>;

impl ApplicationFlags {
    pub fn apply(&self, options: Options) -> Options {
        Options {
            components: self.component.clone(),
            guest_environment: self.env.clone(),
            variables: self.variables.iter().flatten().cloned().collect(),
            key_values: self.key_values.clone(),
            sqlite: self.sqlite.clone(),
            profile: self.profile.clone(),
            direct_mounts: self.direct_mounts,
            allow_transient_write: self.allow_transient_write,
            log_dir: self.log_dir.clone(),
            truncate_logs: self.truncate_logs,
            temp_dir: self.temp.clone(),
            instances: InstanceOptions {
                max_memory: self.max_instance_memory,
                reuse: self.max_instance_reuse_count.clone(),
                concurrency: self.max_instance_concurrent_reuse_count.clone(),
                timeout: self.request_timeout.clone(),
                idle: self.idle_instance_timeout.clone(),
            },
            pooling: !self.disable_pooling,
            compile_cache: !self.disable_cache,
            compiled_dir: self.cache.clone(),
            cache_dir: self.cache_dir.clone(),
            registries: self.registries.access(),
            ..options
        }
    }
}
