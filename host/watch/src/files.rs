//! Which of the watched files were saved with another content. Editors save in several steps, and a save that changes nothing is none.

use crate::Error;
use crate::rules::{Meaning, Rules};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// When nothing more is saved for so long, what was saved belongs together.
const QUIET: Duration = Duration::from_millis(30);

/// Who saves without a pause waits no longer than this.
const LONGEST: Duration = Duration::from_millis(300);

pub struct Files {
    rules: Rules,
    watcher: RecommendedWatcher,
    folders: BTreeSet<(PathBuf, bool)>,
    events: mpsc::UnboundedReceiver<PathBuf>,
    /// What each file had in it when it was looked at last.
    contents: HashMap<PathBuf, blake3::Hash>,
}

/// What was saved together.
pub struct Saved {
    pub meanings: BTreeSet<Meaning>,
    /// When the first of it was.
    pub at: Instant,
}

impl Files {
    pub fn watch(rules: Rules) -> Result<Self, Error> {
        let (told, events) = mpsc::unbounded_channel();
        let tell = move |event: notify::Result<Event>| {
            // That a file was read is nothing new.
            if let Some(event) = event.ok().filter(|event| !matches!(event.kind, EventKind::Access(_))) {
                event.paths.into_iter().for_each(|path| drop(told.send(path)));
            }
        };
        let watcher = notify::recommended_watcher(tell).map_err(failed)?;
        let (folders, contents) = (BTreeSet::new(), HashMap::new());
        let mut files = Self { rules: Rules::nothing(), watcher, folders, events, contents };
        files.follow(rules)?;
        Ok(files)
    }

    /// From now on these rules hold. What was saved a moment ago is not forgotten.
    pub fn follow(&mut self, rules: Rules) -> Result<(), Error> {
        let folders = rules.folders();
        for (folder, _) in self.folders.difference(&folders) {
            drop(self.watcher.unwatch(folder));
        }
        // Again for all: a folder that is watched in two ways was let go of above.
        for (folder, deep) in &folders {
            let mode = if *deep { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            self.watcher.watch(folder, mode).map_err(failed)?;
        }
        for file in rules.files() {
            if let Some(content) = content(&file) {
                self.contents.entry(file).or_insert(content);
            }
        }
        (self.rules, self.folders) = (rules, folders);
        Ok(())
    }

    /// How many files are watched.
    pub fn known(&self) -> usize {
        self.contents.len()
    }

    /// Waits for the next change; `None` when there will be none any more.
    pub async fn saved(&mut self) -> Option<Saved> {
        loop {
            let mut paths = BTreeSet::from([self.events.recv().await?]);
            let at = Instant::now();
            while at.elapsed() < LONGEST
                && let Ok(Some(path)) = tokio::time::timeout(QUIET, self.events.recv()).await
            {
                paths.insert(path);
            }
            let meanings: BTreeSet<Meaning> = paths.iter().flat_map(|path| self.changed(path)).collect();
            if !meanings.is_empty() {
                return Some(Saved { meanings, at });
            }
        }
    }

    /// This file is as we want it: it was built by us.
    pub fn note(&mut self, file: &Path) {
        if let (Ok(file), Some(content)) = (file.canonicalize(), content(file)) {
            self.contents.insert(file, content);
        }
    }

    fn changed(&mut self, path: &Path) -> Vec<Meaning> {
        let meanings: Vec<_> = self.rules.meanings(path).cloned().collect();
        if meanings.is_empty() || path.is_dir() {
            return Vec::new();
        }
        let now = content(path);
        let before = match now {
            Some(now) => self.contents.insert(path.to_owned(), now),
            None => self.contents.remove(path),
        };
        if before == now { Vec::new() } else { meanings }
    }
}

/// `None` when there is no such file.
fn content(file: &Path) -> Option<blake3::Hash> {
    std::fs::read(file).ok().map(|bytes| blake3::hash(&bytes))
}

fn failed(error: notify::Error) -> Error {
    Error::Files(error.to_string())
}
