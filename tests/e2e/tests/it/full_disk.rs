//! The whole platform on a disk that is full: clear answers, nothing that was acknowledged is lost, and it goes on by itself
//! when there is room again.

use kobliat_e2e::{Mode, Outside, TestProcess, eventually, whatsapp};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use tempfile::TempDir;

/// Room for the compiled components, and for some hundred messages.
const SIZE: &str = "size=768m";

/// A file system in memory.
struct SmallDisk(Arc<TempDir>);

impl SmallDisk {
    /// Needs Linux and the right to mount.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder.path());
        let mounted = mount.stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !mounted.is_ok_and(|status| status.success()) {
            eprintln!("skipped: mounting a small disk needs Linux and the right to do so");
            return None;
        }
        Some(Self(Arc::new(folder)))
    }

    fn ballast(&self) -> PathBuf {
        self.0.path().join("ballast")
    }

    /// Not a byte is left.
    fn fill(&self) {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(self.ballast()).unwrap();
        let block = vec![0; 1 << 20];
        for size in [1 << 20, 4096, 1] {
            while file.write_all(&block[..size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Detached at once, gone with the last open file.
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

async fn start(state: &Arc<TempDir>) -> TestProcess {
    crate::up().mode(Mode::Links).start(state).await
}

/// The status of a message's webhook.
async fn write(outside: &Outside, id: &str) -> u16 {
    outside.webhook(&whatsapp::one_text(id, "16505551234", id)).await.status
}

async fn messages(outside: &Outside) -> BTreeSet<String> {
    let messages = outside.messages().await;
    messages.iter().map(|one| one["external_message_id"].as_str().unwrap().to_owned()).collect()
}

async fn arrive(outside: &Outside, acknowledged: &BTreeSet<String>) {
    eventually("what was acknowledged is there", async || {
        messages(outside).await.is_superset(acknowledged).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_answered_clearly_loses_nothing_and_is_recovered_from() {
    if kobliat_e2e::skipped("our host's answers") {
        return;
    }
    let Some(disk) = SmallDisk::mount() else { return };
    let host = start(&disk.0).await;
    let outside = host.outside();
    let mut acknowledged = BTreeSet::new();
    for number in 0..3 {
        let id = format!("before-{number}");
        assert_eq!(write(outside, &id).await, 200);
        acknowledged.insert(id);
    }

    disk.fill();
    let mut refused = 0;
    for number in 0..400 {
        let id = format!("full-{number}");
        match write(outside, &id).await {
            200 => drop(acknowledged.insert(id)),
            // A provider sends it again later.
            500 | 503 | 507 => refused += 1,
            other => panic!("a full disk is answered with {other}"),
        }
        if refused > 5 {
            break;
        }
        // Free pages of the databases and their logs are used up first; so is what others free meanwhile.
        disk.fill();
    }
    assert!(refused > 5, "the disk was never full");
    outside.get("/health").await.expect(200);
    assert!(messages(outside).await.len() >= 3, "reads go on");

    disk.make_room();
    eventually("it takes messages again by itself", async || (write(outside, "after").await == 200).then_some(()))
        .await;
    acknowledged.insert("after".to_owned());
    arrive(outside, &acknowledged).await;
    host.kill().await;

    let host = start(&disk.0).await;
    arrive(host.outside(), &acknowledged).await;
    assert_eq!(integrity(disk.0.path()), Vec::<String>::new());
    host.terminate();
    assert!(host.ended().await.status.success());
}

/// The databases that SQLite finds damaged.
fn integrity(state: &Path) -> Vec<String> {
    let names = ["customer", "conversation", "messaging", "inbound-gateway", "events"];
    let sound = |name: &&str| {
        let file = rusqlite::Connection::open(state.join(format!("{name}.db"))).unwrap();
        file.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)).is_ok_and(|found| found == "ok")
    };
    names.iter().filter(|name| !sound(name)).map(|name| (*name).to_owned()).collect()
}
