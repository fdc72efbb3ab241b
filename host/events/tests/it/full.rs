//! A disk that is full: publishers are told so, nothing that was acknowledged is lost, and it goes on when space returns.

use crate::delivery::{Recorder, Running, eventually, post, start_on};
use kobliat_events::clock::Clock;
use kobliat_events::engine::Engine;
use kobliat_events::{Options, SqliteEngine};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

/// A few hundred events.
const MAX_BYTES: u64 = 1 << 20;

/// Of one event's data: a file fills up soon.
const DATA: usize = 2000;

async fn open(path: &Path, max_bytes: Option<u64>) -> Arc<dyn Engine> {
    Arc::new(SqliteEngine::open_bounded(path, Clock::start().now(), max_bytes).await.unwrap())
}

/// The broker on this engine, with a subscriber that is stopped for the time being.
async fn start(engine: Arc<dyn Engine>) -> (Running, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::default());
    recorder.stopped.store(true, SeqCst);
    (start_on(engine, &recorder, &[("one", "*")], Options::default()).await, recorder)
}

/// Publishes one after the other until the answer is no more 202: the ids that were acknowledged, and the other answer.
async fn fill(running: &Running, from: usize) -> (Vec<String>, u16) {
    let mut acknowledged = Vec::new();
    for n in from..from + 100_000 {
        let answer = running.broker.intake("p", post(&n.to_string(), DATA)).await;
        if answer.status() != 202 {
            assert_eq!(answer.headers()["retry-after"], "5");
            return (acknowledged, answer.status().as_u16());
        }
        acknowledged.push(n.to_string());
    }
    panic!("it was never full");
}

async fn all_arrive(running: &Running, recorder: &Recorder, acknowledged: &[String]) {
    recorder.stopped.store(false, SeqCst);
    eventually("everything is delivered and settled", || running.engine.backlog() == 0).await;
    assert_eq!(recorder.seen_by("one"), acknowledged, "each once, in order");
}

/// Delivering makes the room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_at_its_bound_refuses_keeps_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (running, recorder) = start(open(&folder.path().join("events.db"), Some(MAX_BYTES)).await).await;
    let (acknowledged, status) = fill(&running, 0).await;
    assert_eq!(status, 507);
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());
    all_arrive(&running, &recorder, &acknowledged).await;
    assert_eq!(running.broker.intake("p", post("again", DATA)).await.status(), 202);
    eventually("it goes on", || recorder.seen_by("one").len() == acknowledged.len() + 1).await;
}

/// A real small disk. Where nobody may mount one, the test above is all there is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_keeps_and_goes_on() {
    let Some(disk) = Disk::mount("8m") else { return };
    let ballast = disk.0.path().join("ballast");
    std::fs::write(&ballast, vec![0; 4 << 20]).unwrap();
    let path = disk.0.path().join("events.db");
    let (running, recorder) = start(open(&path, None).await).await;
    let (mut acknowledged, status) = fill(&running, 0).await;
    assert_eq!(status, 507);
    assert!(!acknowledged.is_empty());
    // Even settling needs room, in the log; what is handled meanwhile is settled later, and handled once.
    recorder.stopped.store(false, SeqCst);
    eventually("deliveries go on", || !recorder.seen_by("one").is_empty()).await;
    std::fs::remove_file(&ballast).unwrap();
    let next = acknowledged.len().to_string();
    let answer = running.broker.intake("p", post(&next, DATA)).await;
    assert_eq!(answer.status(), 202, "{}", String::from_utf8_lossy(answer.body()));
    acknowledged.push(next);
    all_arrive(&running, &recorder, &acknowledged).await;
}

/// A file system in memory, of a size.
struct Disk(tempfile::TempDir);

impl Disk {
    fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(folder.path());
        match mount.stdout(Stdio::null()).stderr(Stdio::null()).status() {
            Ok(status) if status.success() => Some(Self(folder)),
            _ => {
                eprintln!("skipped: mounting a small disk needs Linux and the right to do so");
                None
            }
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let folder: PathBuf = self.0.path().to_owned();
        // Detached at once, gone with the last open file.
        let _ = Command::new("umount").arg("--lazy").arg(folder).status();
    }
}
