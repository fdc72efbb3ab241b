//! A disk whose power can fail: it records what SQLite writes and syncs, and makes what a crash at any point may leave.
//!
//! What was synced is there. Of what was written since, each sector of each write has arrived, has not, or is garbage; a
//! file that was made or deleted without a sync of its directory may be there or not. Writes that are reordered are covered
//! by this: a later one has arrived and an earlier one has not.

mod vfs;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What a disk writes whole.
const SECTOR: usize = 512;

/// By the file's name in its directory.
#[derive(Clone, Debug)]
enum Step {
    Create(String),
    Write(String, usize, Vec<u8>),
    Truncate(String, usize),
    Sync(String),
    /// The kernel says so once to each open handle, and takes the pages for clean from then on (fsyncgate).
    FailedSync(String),
    Delete(String, bool),
}

/// How the disk behaves while it is used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Behaviour {
    /// Of 100 syncs so many fail.
    pub failing_syncs: u32,
    /// It says that it has synced, and has not.
    pub lies: bool,
}

pub struct Disk {
    /// What SQLite calls it.
    pub vfs: String,
    directory: PathBuf,
    before: HashMap<String, Vec<u8>>,
    state: Mutex<State>,
    pub failed_syncs: AtomicU64,
}

struct State {
    behaviour: Behaviour,
    steps: Vec<Step>,
    random: ChaCha8Rng,
    /// Failed syncs of each file.
    failures: HashMap<String, u64>,
}

impl State {
    fn failures_of(&self, name: &str) -> u64 {
        self.failures.get(name).copied().unwrap_or(0)
    }

    /// A sync fails. Returns how many have, of this file.
    fn fail(&mut self, name: String) -> u64 {
        let failures = self.failures.entry(name.clone()).or_default();
        *failures += 1;
        let failures = *failures;
        self.steps.push(Step::FailedSync(name));
        failures
    }
}

impl Disk {
    /// With what is in the directory already, which is durable.
    pub fn on(directory: &Path, behaviour: Behaviour, seed: u64) -> Arc<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
        let before = files.map(|entry| (name(&entry.path()), std::fs::read(entry.path()).unwrap())).collect();
        let state =
            State { behaviour, steps: Vec::new(), random: ChaCha8Rng::seed_from_u64(seed), failures: HashMap::new() };
        let disk = Arc::new(Self {
            vfs: format!("power-loss-{}", NUMBER.fetch_add(1, Relaxed)),
            directory: directory.to_owned(),
            before,
            state: Mutex::new(state),
            failed_syncs: AtomicU64::new(0),
        });
        vfs::register(&disk);
        disk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn behave(&self, behaviour: Behaviour) {
        self.state().behaviour = behaviour;
    }

    /// How much has happened. What is acknowledged now must be there after a crash at any later point.
    pub fn position(&self) -> usize {
        self.state().steps.len()
    }

    /// Writes what a crash after so many steps may have left.
    pub fn crash(&self, position: usize, seed: u64, into: &Path) {
        let steps = self.state().steps[..position].to_vec();
        let mut left = Left { files: BTreeMap::new(), random: ChaCha8Rng::seed_from_u64(seed) };
        for (name, content) in &self.before {
            let file = File { content: content.clone(), exists: true, ..File::default() };
            left.files.insert(name.clone(), file);
        }
        steps.into_iter().for_each(|step| left.take(step));
        left.lose_power(into);
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// What is on the platters, and what is on its way there.
#[derive(Default)]
struct File {
    content: Vec<u8>,
    /// Its entry in the directory is durable.
    exists: bool,
    pending: Vec<Step>,
}

struct Left {
    files: BTreeMap<String, File>,
    random: ChaCha8Rng,
}

impl Left {
    fn take(&mut self, step: Step) {
        match &step {
            Step::Sync(name) => {
                let file = self.files.entry(name.clone()).or_default();
                let new = !file.exists;
                std::mem::take(&mut file.pending).iter().for_each(|step| file.apply(step));
                file.exists = true;
                if new {
                    self.sync_directory();
                }
            }
            Step::FailedSync(name) => {
                let file = self.files.entry(name.clone()).or_default();
                let pending = std::mem::take(&mut file.pending);
                pending.iter().for_each(|step| file.apply_partly(step, &mut self.random));
            }
            Step::Create(name) | Step::Write(name, ..) | Step::Truncate(name, _) => {
                self.files.entry(name.clone()).or_default().pending.push(step.clone());
            }
            Step::Delete(name, synced) => {
                self.files.entry(name.clone()).or_default().pending.push(step.clone());
                if *synced {
                    self.sync_directory();
                }
            }
        }
    }

    /// Files that were deleted are gone for good, files that were made are there.
    fn sync_directory(&mut self) {
        for file in self.files.values_mut() {
            let entry = |step: &Step| matches!(step, Step::Delete(..) | Step::Create(_));
            let Some(last) = file.pending.iter().rposition(entry) else { continue };
            let done: Vec<_> = file.pending.drain(..=last).collect();
            if done.iter().any(|step| matches!(step, Step::Delete(..))) {
                file.content.clear();
            }
            file.exists = !matches!(done.last(), Some(Step::Delete(..)));
            // What was written before is neither more nor less durable by it.
            let before = done.into_iter().rev().take_while(|step| !matches!(step, Step::Delete(..)));
            let mut before: Vec<_> = before.filter(|step| !entry(step)).collect();
            before.reverse();
            drop(file.pending.splice(..0, before));
        }
    }

    fn lose_power(mut self, into: &Path) {
        for (name, mut file) in self.files {
            let pending = std::mem::take(&mut file.pending);
            pending.iter().for_each(|step| file.apply_partly(step, &mut self.random));
            if file.exists {
                std::fs::write(into.join(name), file.content).unwrap();
            }
        }
    }
}

impl File {
    fn apply(&mut self, step: &Step) {
        match step {
            Step::Write(_, offset, bytes) => self.write(*offset, bytes),
            Step::Truncate(_, size) => self.content.truncate(*size),
            Step::Delete(..) => {
                self.content.clear();
                self.exists = false;
            }
            Step::Create(_) => self.exists = true,
            Step::Sync(_) | Step::FailedSync(_) => {}
        }
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        if self.content.len() < end {
            self.content.resize(end, 0);
        }
        self.content[offset..end].copy_from_slice(bytes);
    }

    /// Each sector on its own; a write is whole in a third of the cases, lost in a third, and torn in the rest.
    fn apply_partly(&mut self, step: &Step, random: &mut ChaCha8Rng) {
        let fate = random.next_u32() % 3;
        let Step::Write(_, offset, bytes) = step else {
            if fate > 0 {
                self.apply(step);
            }
            return;
        };
        for (number, sector) in bytes.chunks(SECTOR).enumerate() {
            let offset = offset + number * SECTOR;
            match (fate, random.next_u32() % 8) {
                (0, _) | (1, 0..4) => self.write(offset, sector),
                (1, 7) => {
                    let mut garbage = vec![0; sector.len()];
                    random.fill_bytes(&mut garbage);
                    self.write(offset, &garbage);
                }
                _ => {}
            }
        }
    }
}
