//! The command line.

use std::path::PathBuf;

#[derive(clap::Parser)]
pub enum Command {
    /// Builds everything, runs the whole suite and prints the table.
    Run(Run),
    /// The native limit for hello: hyper and nothing else.
    #[command(hide = true)]
    ServeHello,
    /// The native twin of the webhook path.
    #[command(hide = true)]
    ServeTwin(Twin),
    /// The native twin of a read through the API.
    #[command(hide = true)]
    ServeReader(Reader),
    /// The event broker in a process of its own: until how many waiting events are handled, how long and how much memory.
    #[command(hide = true)]
    OpenEvents(OpenEvents),
    /// The native twin of an upload.
    #[command(hide = true)]
    ServeMedia(Records),
    /// The native twin of the stores: hyper and rusqlite with group commit.
    #[command(hide = true)]
    ServeRecords(Records),
}

#[derive(clap::Args, Clone)]
pub struct Run {
    /// Rounds; each gives every server one slot, in an order shuffled anew.
    #[arg(long, default_value_t = 10)]
    pub rounds: usize,
    /// Length of a slot.
    #[arg(long, default_value_t = 3)]
    pub seconds: u64,
    /// Lets the scheduler place server and load generator, instead of one core each.
    #[arg(long)]
    pub unpinned: bool,
    /// Swaps of each component in the part `swap`; its memory is looked at after ten times as many.
    #[arg(long, default_value_t = 20)]
    pub swaps: usize,
    /// The `wasmtime` that `hello` is compared with, where there is one.
    #[arg(long, env = "WASMTIME", default_value = "wasmtime")]
    pub wasmtime: PathBuf,
    /// Only these parts: disk, hello, calls, records, stream, webhook, api, upload, thumbnail, platform, idle, events, swap.
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
}

#[derive(clap::Args, Clone)]
pub struct Twin {
    /// Where the databases are.
    #[arg(long)]
    pub dir: PathBuf,
    /// Signs the webhooks.
    #[arg(long)]
    pub secret: String,
    #[arg(long, value_enum)]
    pub commit: Commit,
}

#[derive(clap::Args, Clone)]
pub struct Reader {
    /// Where the databases are.
    #[arg(long)]
    pub dir: PathBuf,
    /// The API key that is let in.
    #[arg(long)]
    pub key: String,
    /// The id of the customer that there is.
    #[arg(long)]
    pub customer: String,
}

#[derive(clap::Args, Clone)]
pub struct OpenEvents {
    /// The events' file.
    #[arg(long)]
    pub file: PathBuf,
    #[arg(long)]
    pub handled: usize,
}

#[derive(clap::Args, Clone)]
pub struct Records {
    /// Where the databases are.
    #[arg(long)]
    pub dir: PathBuf,
}

/// What a commit on disk is shared by.
#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Commit {
    /// Nothing: one transaction after the other.
    One,
    /// Whatever waits when the disk is free again.
    Group,
}
