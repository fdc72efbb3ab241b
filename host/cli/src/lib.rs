//! The kobliat command: reads arguments and the environment, and runs the platform.

#[macro_use]
mod output;

mod admin;
mod application;
mod build;
mod compile;
mod doctor;
mod events;
mod follow;
mod log;
mod new;
mod registries;
mod up;
mod values;
mod watch;

use clap::{Parser, Subcommand};
use log::LogFormat;
use std::process::ExitCode;

/// Runs a Spin 2 application of WebAssembly components.
#[derive(Parser)]
#[command(name = "kobliat", version, about, max_term_width = 120)]
struct Cli {
    /// How the log on stderr is written
    #[arg(long, global = true, env = "KOBLIAT_LOG_FORMAT", value_enum, default_value_t = LogFormat::Plain)]
    log_format: LogFormat,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the application and serve it until Ctrl-C
    Up(Box<up::Up>),
    /// Follow what is saved: build it and swap it into the running host, which is started if need be
    Watch(watch::Watch),
    /// Let a running host take over what the manifest says now: components, routes, variables, limits
    Apply(watch::Apply),
    /// Show the components of a running host: version, state, instances, requests
    Components(admin::Components),
    /// Replace a component's version in a running host, checked and probed, without losing a request
    Swap(admin::Swap),
    /// Go back to the version before
    Rollback(admin::One),
    /// Give a version on trial to everybody
    Promote(admin::One),
    /// Take a version on trial away
    Withdraw(admin::One),
    /// Start a component that was stopped
    Start(admin::One),
    /// Stop a component: what runs finishes, what comes is refused
    Stop(admin::One),
    /// Replace a component's instances by new ones; no request is lost
    Restart(admin::One),
    /// Show what a component wrote to stdout and stderr
    Logs(admin::Logs),
    /// Look at the events of a running host: who waits for what, and dead letters
    #[command(subcommand)]
    Events(events::Events),
    #[command(hide = true)]
    CompileComponent(compile::CompileComponent),
    /// Make a new application from a template
    New(new::New),
    /// Build the components with the commands of spin.toml
    Build(build::Build),
    /// Look for what is wrong with an application, and say what to do
    Doctor(doctor::Doctor),
}

/// The whole command. Errors go to stderr as sentences; the exit code is 1.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let log = log::to_stderr(cli.log_format);
    let outcome = match cli.command {
        Command::Up(up) => up.run(log),
        Command::Watch(watch) => watch.run(log),
        Command::Apply(apply) => block_on(apply.run()),
        Command::New(new) => new.run(),
        Command::Build(build) => build.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Components(components) => block_on(components.run()),
        Command::Swap(swap) => block_on(swap.run()),
        Command::Rollback(one) => block_on(one.change_version("rollback")),
        Command::Promote(one) => block_on(one.change_version("promote")),
        Command::Withdraw(one) => block_on(one.change_version("withdraw")),
        Command::CompileComponent(compile) => compile.run(),
        Command::Start(one) => block_on(one.change("start")),
        Command::Stop(one) => block_on(one.change("stop")),
        Command::Restart(one) => block_on(one.change("restart")),
        Command::Logs(logs) => block_on(logs.run()),
        Command::Events(events) => block_on(events.run()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// For a command that asks a running host: it needs one thread.
fn block_on(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(command)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_of_a_user_of_spin_is_understood() {
        Cli::command().debug_assert();
        let lines: [&[&str]; 7] = [
            &["--from-file", "spin.toml", "--listen", "0.0.0.0:80", "--log-dir", "", "--sh"],
            &["--file", "app", "-L", "logs", "--truncate-logs", "-e", "A=1", "--env", "B=2", "--temp", "t"],
            &["--from-registry", "registry.example/app:1", "-k", "--cache-dir", "c", "--tmp", "t"],
            &["-f", "app.wasm", "-c", "a", "--component-id", "b", "--find-free-port", "--format", "json", "--shush"],
            &["--variable", "a=b", "--key-value", "a=b", "--sqlite", "SELECT 1", "--direct-mounts", "--build"],
            &["--max-instance-memory", "1000000", "--request-timeout", "1s..2s", "--max-instance-reuse-count", "1..3"],
            &[
                "--http1-max-buf-size",
                "16384",
                "--disable-pooling",
                "--disable-cache",
                "--follow",
                "a",
                "--follow",
                "b",
            ],
        ];
        let up = lines.iter().map(|line| [&["kobliat", "up"], *line].concat());
        let others: [&[&str]; 2] = [
            &["kobliat", "build", "-f", "app", "-c", "a", "--skip-target-checks", "--skip-generate-wits"],
            &["kobliat", "new", "-t", "http-rust", "my-app", "--accept-defaults"],
        ];
        for line in up.chain(others.map(<[_]>::to_vec)) {
            let parsed = Cli::try_parse_from(&line);
            assert!(parsed.is_ok(), "{line:?}: {:?}", parsed.err().map(|error| error.to_string()));
        }
    }
}
