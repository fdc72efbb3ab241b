//! Child processes: one build step, and small questions with a time limit.

use std::io;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::Step;
use crate::{Environment, Error, Options, Progress, Toolchain};

/// Runs a step. Its output goes to the terminal, all of it to stderr: stdout is the platform's.
pub(crate) fn run_step(
    options: &Options,
    toolchain: Option<&Toolchain>,
    step: &Step,
    progress: Progress<'_>,
) -> Result<(), Error> {
    progress(&format!("Building {}", step.what()));
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &step.line]).current_dir(&step.workdir).env_clear().envs(options.environment.iter());
    if let Some(toolchain) = toolchain.filter(|_| step.line.contains(crate::TARGET)) {
        command.envs(toolchain.variables());
    }
    if options.quiet {
        command.env("CARGO_TERM_QUIET", "true");
    }
    let status = command
        .stdin(Stdio::null())
        .stdout(io::stderr())
        .status()
        .map_err(|source| Error::Run { command: step.line.clone(), source })?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Failed { what: step.what(), command: step.line.clone(), outcome: outcome(status) })
}

fn outcome(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("ended with exit code {code}"),
        None => format!("was stopped ({status})"),
    }
}

/// What a command answered: its stdout, or why there is none.
pub(crate) fn ask(environment: &Environment, program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment.iter())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`{program}`: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("`{program} {}`: {}", arguments.join(" "), last_line(&said)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a command that changes the machine, with its output on stderr, and stops it when it takes longer than `limit`.
pub(crate) fn change(
    environment: &Environment,
    program: &str,
    arguments: &[&str],
    limit: Duration,
) -> Result<(), String> {
    let line = format!("`{program} {}`", arguments.join(" "));
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(environment.iter())
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(io::stderr())
        .spawn()
        .map_err(|error| format!("{line}: {error}"))?;
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("{line} {}", outcome(status))),
            Ok(None) if started.elapsed() < limit => thread::sleep(POLL),
            Ok(None) => {
                // It may have ended in between; either way it is gone after `wait`.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{line} took longer than {} s", limit.as_secs()));
            }
            Err(error) => return Err(format!("{line}: {error}")),
        }
    }
}

/// Short beside a download, long beside the cost of looking.
const POLL: Duration = Duration::from_millis(50);

fn last_line(text: &str) -> &str {
    text.lines().last().unwrap_or("failed")
}
