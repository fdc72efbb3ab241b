//! Versions on disk: `<state>/components/<digest>.wasm`, and which of them was active when, so that a swap survives a restart.

use super::version::Digest;
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tracing::warn;

/// Versions of one component that are kept to go back to.
const KEPT: usize = 10;

/// How the names of files begin that are being written.
const UNFINISHED: &str = ".unfinished-";

pub struct Archive {
    directory: PathBuf,
    /// By component: `pinned`, `versions` (the active last), `last_swap`.
    records: Mutex<Map<String, Value>>,
}

impl Archive {
    pub fn open(state_dir: &Path) -> io::Result<Self> {
        let directory = state_dir.join("components");
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o700))?;
        let records = match std::fs::read(directory.join("versions.json")) {
            Ok(text) => serde_json::from_slice(&text).map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Map::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { directory, records: Mutex::new(records) })
    }

    fn records(&self) -> MutexGuard<'_, Map<String, Value>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, digest: &Digest) -> PathBuf {
        self.directory.join(format!("{}.wasm", digest.as_str()))
    }

    /// Keeps the bytes of a version.
    pub fn keep(&self, wasm: &[u8]) -> io::Result<Digest> {
        let digest = Digest::of(wasm);
        let path = self.file(&digest);
        if !path.exists() {
            write(&self.directory, &path, wasm)?;
        }
        Ok(digest)
    }

    /// The bytes of a version, when they are still what they were.
    pub fn read(&self, digest: &Digest) -> Result<Vec<u8>, String> {
        let path = self.file(digest);
        let wasm = std::fs::read(&path).map_err(|error| format!("failed to read `{}`: {error}", path.display()))?;
        if Digest::of(&wasm) == *digest {
            return Ok(wasm);
        }
        Err(format!("`{}` is not what was kept there; remove it", path.display()))
    }

    /// The version that an operator has put in the place of the manifest's.
    pub fn pinned(&self, component: &str) -> Option<Digest> {
        Digest::parse(self.records().get(component)?.get("pinned")?.as_str()?)
    }

    /// What was active before the active one, the latest first.
    pub fn before(&self, component: &str, active: &Digest) -> Option<Digest> {
        let records = self.records();
        let versions = records.get(component)?.get("versions")?.as_array()?;
        let mut earlier = versions.iter().rev().filter_map(|digest| Digest::parse(digest.as_str()?));
        // Going back twice goes back two: what was left by going back is not in the list any more.
        earlier.find(|digest| digest != active)
    }

    pub fn last_swap(&self, component: &str) -> Value {
        let records = self.records();
        records.get(component).and_then(|record| record.get("last_swap")).cloned().unwrap_or(Value::Null)
    }

    /// Notes which versions are active, all of them or none; a `pinned` one is not the manifest's. Fails if the record is not
    /// on disk: then nothing is noted, and nothing may be switched.
    pub fn activated<'a>(&self, versions: impl IntoIterator<Item = (&'a str, &'a Digest, bool)>) -> Result<(), String> {
        self.change(|records| {
            versions.into_iter().for_each(|(component, digest, pinned)| activate(records, component, digest, pinned));
        })
    }

    /// Notes which version is active and how it came to be, in one write.
    pub fn switched(&self, component: &str, digest: &Digest, pinned: bool, outcome: &Value) -> Result<(), String> {
        self.change(|records| {
            activate(records, component, digest, pinned);
            set_outcome(records, component, outcome);
        })
    }

    /// The same for a version that runs whether it can be noted or not. A failure to write is logged: the next start runs
    /// the version that was noted last.
    pub fn switched_anyway(&self, component: &str, digest: &Digest, pinned: bool, outcome: &Value) {
        self.change_anyway(|records| {
            activate(records, component, digest, pinned);
            set_outcome(records, component, outcome);
        });
    }

    /// Notes how a change went that changed no version. A failure to write is logged.
    pub fn swapped(&self, component: &str, outcome: &Value) {
        self.change_anyway(|records| set_outcome(records, component, outcome));
    }

    /// Back to the manifest. Returns the components that had another version.
    pub fn reset(&self) -> Result<Vec<String>, String> {
        let components: Vec<String> = self.records().keys().cloned().collect();
        let pinned: Vec<String> = components.into_iter().filter(|id| self.pinned(id).is_some()).collect();
        self.change(|records| {
            for id in &pinned {
                entry(records, id).insert("pinned".into(), Value::Null);
            }
        })?;
        Ok(pinned)
    }

    /// On disk before it is in force.
    fn change(&self, change: impl FnOnce(&mut Map<String, Value>)) -> Result<(), String> {
        let mut records = self.records();
        let mut changed = records.clone();
        change(&mut changed);
        self.store(&records, &changed)?;
        *records = changed;
        Ok(())
    }

    fn change_anyway(&self, change: impl FnOnce(&mut Map<String, Value>)) {
        let mut records = self.records();
        let before = records.clone();
        change(&mut records);
        if let Err(error) = self.store(&before, &records) {
            warn!("{error}; a restart will not know of this change");
        }
    }

    fn store(&self, before: &Map<String, Value>, changed: &Map<String, Value>) -> Result<(), String> {
        let path = self.directory.join("versions.json");
        if before == changed && path.exists() {
            return Ok(());
        }
        let text = serde_json::to_vec_pretty(changed).map_err(|error| error.to_string())?;
        write(&self.directory, &path, &text).map_err(|error| format!("failed to write `{}`: {error}", path.display()))
    }

    /// Removes the versions that nobody can go back to and that do not run, and what a host that was killed was writing.
    /// Call it while no version is being checked.
    pub fn prune(&self, runs: impl Fn(&Digest) -> bool) {
        let records = serde_json::to_string(&*self.records()).unwrap_or_default();
        for entry in std::fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let digest = name.strip_suffix(".wasm").and_then(Digest::parse);
            let unneeded = |digest: Digest| !records.contains(digest.as_str()) && !runs(&digest);
            if name.starts_with(UNFINISHED) || digest.is_some_and(unneeded) {
                drop(std::fs::remove_file(entry.path()));
            }
        }
    }
}

fn entry<'r>(records: &'r mut Map<String, Value>, component: &str) -> &'r mut Map<String, Value> {
    let record = records.entry(component).or_insert_with(|| json!({}));
    if !record.is_object() {
        *record = json!({});
    }
    record.as_object_mut().expect("it was made an object above")
}

fn set_outcome(records: &mut Map<String, Value>, component: &str, outcome: &Value) {
    entry(records, component).insert("last_swap".into(), outcome.clone());
}

fn activate(records: &mut Map<String, Value>, component: &str, digest: &Digest, pinned: bool) {
    let record = entry(records, component);
    record.insert("pinned".into(), if pinned { json!(digest.as_str()) } else { Value::Null });
    let versions = record.entry("versions").or_insert_with(|| json!([]));
    let Some(versions) = versions.as_array_mut() else { return };
    // A version that is active again was so before: what came after it is undone.
    if let Some(known) = versions.iter().position(|one| one.as_str() == Some(digest.as_str())) {
        versions.truncate(known);
    }
    versions.push(json!(digest.as_str()));
    let surplus = versions.len().saturating_sub(KEPT);
    versions.drain(..surplus);
}

/// Whole or not at all, and on disk when it returns.
fn write(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    std::fs::File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_back_twice_goes_back_two() {
        let state = tempfile::tempdir().unwrap();
        let archive = Archive::open(state.path()).unwrap();
        let digests = [b"one", b"two", b"thr"].map(|wasm| archive.keep(wasm).unwrap());
        digests.iter().for_each(|digest| archive.activated([("a", digest, true)]).unwrap());
        assert_eq!(archive.before("a", &digests[2]), Some(digests[1].clone()));
        archive.activated([("a", &digests[1], true)]).unwrap();
        assert_eq!(archive.before("a", &digests[1]), Some(digests[0].clone()));
        archive.activated([("a", &digests[0], true)]).unwrap();
        assert_eq!(archive.before("a", &digests[0]), None);
    }

    #[test]
    fn what_was_noted_is_there_after_a_restart_and_a_reset_unpins() {
        let state = tempfile::tempdir().unwrap();
        let digest = Archive::open(state.path()).unwrap().keep(b"one").unwrap();
        Archive::open(state.path()).unwrap().activated([("a", &digest, true)]).unwrap();
        let archive = Archive::open(state.path()).unwrap();
        assert_eq!(archive.pinned("a"), Some(digest.clone()));
        assert_eq!(archive.read(&digest).unwrap(), b"one");
        assert_eq!(archive.reset().unwrap(), ["a"]);
        assert_eq!(archive.pinned("a"), None);
    }

    #[test]
    fn a_version_that_was_changed_on_disk_is_refused_and_a_forgotten_one_removed() {
        let state = tempfile::tempdir().unwrap();
        let archive = Archive::open(state.path()).unwrap();
        let digest = archive.keep(b"one").unwrap();
        std::fs::write(archive.file(&digest), b"other").unwrap();
        assert!(archive.read(&digest).is_err());
        let killed = state.path().join("components/.unfinished-1");
        std::fs::write(&killed, b"half").unwrap();
        archive.prune(|running| *running == digest);
        assert!(archive.file(&digest).exists() && !killed.exists(), "what runs on trial stays");
        archive.prune(|_| false);
        assert!(!archive.file(&digest).exists());
    }

    #[test]
    fn what_can_not_be_written_is_not_noted() {
        let state = tempfile::tempdir().unwrap();
        let archive = Archive::open(state.path()).unwrap();
        let [old, new] = [b"one", b"two"].map(|wasm| archive.keep(wasm).unwrap());
        archive.activated([("a", &old, true)]).unwrap();
        // No file can be made or renamed any more, not even by root.
        std::fs::rename(state.path().join("components"), state.path().join("gone")).unwrap();
        let error = archive.switched("a", &new, true, &json!({ "outcome": "switched" })).unwrap_err();
        assert!(error.contains("versions.json"), "{error}");
        assert_eq!((archive.pinned("a"), archive.last_swap("a")), (Some(old.clone()), Value::Null));
        archive.activated([("a", &old, true)]).unwrap_err();
        archive.switched_anyway("a", &new, false, &json!({ "outcome": "rolled-back" }));
        assert_eq!(archive.pinned("a"), None, "what runs anyway is known until the end");
        std::fs::rename(state.path().join("gone"), state.path().join("components")).unwrap();
        assert_eq!(
            Archive::open(state.path()).unwrap().pinned("a"),
            Some(old),
            "and what was noted is what a start finds"
        );
    }
}
