//! A server under test: a process of its own, found by the line that it prints, looked at through /proc.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, anyhow};

use crate::cores::Cores;

/// Started once per suite and kept: a slot measures a warm server.
pub struct Server {
    pub name: &'static str,
    pub address: SocketAddr,
    child: Child,
}

/// Longer than any start with a cold cache of compiled components.
const START: Duration = Duration::from_secs(120);

impl Server {
    /// Starts the command and waits for the address that it prints.
    pub fn start(name: &'static str, mut command: Command, cores: Option<Cores>) -> anyhow::Result<Server> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut spawn = || command.spawn().with_context(|| format!("failed to start the server `{name}`"));
        let mut child = match cores {
            Some(cores) => cores.as_server(&mut spawn)?,
            None => spawn()?,
        };
        let stdout = child.stdout.take().context("stdout is piped")?;
        let stderr = child.stderr.take().context("stderr is piped")?;
        let (found, address) = mpsc::channel();
        // `wasmtime serve` says where it is on stderr.
        look_for_address(stderr, true, found.clone());
        look_for_address(stdout, false, found);
        let mut server = Server { name, address: SocketAddr::from(([0, 0, 0, 0], 0)), child };
        server.address =
            address.recv_timeout(START).map_err(|_| anyhow!("the server `{name}` did not say where it is"))?;
        Ok(server)
    }

    /// CPU time, user and system, since the start.
    pub fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        cpu_ticks(&stat).map(|ticks| Duration::from_millis(ticks * 10)).context("/proc/<pid>/stat is not understood")
    }

    /// Resident memory in bytes.
    pub fn resident(&self) -> anyhow::Result<u64> {
        self.memory("VmRSS:")
    }

    /// The most that was resident since [`Server::forget_peak`].
    pub fn peak(&self) -> anyhow::Result<u64> {
        self.memory("VmHWM:")
    }

    pub fn forget_peak(&self) -> anyhow::Result<()> {
        Ok(fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")?)
    }

    fn memory(&self, field: &str) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)).context("no such field")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; what matters is that it is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads on to the end, so that the server never blocks on a full pipe.
fn look_for_address(stream: impl Read + Send + 'static, show: bool, found: mpsc::Sender<SocketAddr>) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            match address_in(&line) {
                // Nobody listens after the first.
                Some(address) => drop(found.send(address)),
                None if show => eprintln!("{line}"),
                None => {}
            }
        }
    });
}

/// `Serving http://127.0.0.1:3000`, and `wasmtime serve`'s "Serving HTTP on http://127.0.0.1:3000/".
fn address_in(line: &str) -> Option<SocketAddr> {
    line.split_once("Serving ")?.1.split_once("http://")?.1.trim_end_matches('/').trim().parse().ok()
}

/// Fields 14 and 15, counted after the command's name, which may hold anything. A tick is 10 ms on every Linux.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_address_in_what_servers_print() {
        let expected = Some(SocketAddr::from(([127, 0, 0, 1], 3000)));
        assert_eq!(address_in("Serving http://127.0.0.1:3000"), expected);
        assert_eq!(address_in("Serving HTTP on http://127.0.0.1:3000/"), expected);
        assert_eq!(address_in("  web: http://127.0.0.1:3000 (wildcard)"), None);
    }

    #[test]
    fn reads_cpu_time_behind_a_name_with_brackets() {
        assert_eq!(cpu_ticks("1 (a) b) S 1 1 1 0 -1 4 5 6 7 8 30 12 0 0 20"), Some(42));
    }
}
