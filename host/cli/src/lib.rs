//! The kobliat command: reads arguments and the environment, and runs the platform.

mod build;
mod up;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Runs a Spin 2 application of WebAssembly components.
#[derive(Parser)]
#[command(name = "kobliat", version, about, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the application and serve it until Ctrl-C
    Up(up::Up),
    /// Build the components with the commands of spin.toml
    Build(build::Build),
}

/// The whole command. Errors go to stderr as sentences; the exit code is 1.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
    let outcome = match cli.command {
        Command::Up(up) => up.run(),
        Command::Build(build) => build.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
