//! `up --follow`: what components write, shown as it comes, each line with its component. It is read from their logs, so that showing it
//! never holds a component up.

use anyhow::{Result, bail};
use kobliat_runtime::Runtime;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the logs are looked at: soon enough for somebody who watches.
const LOOK: Duration = Duration::from_millis(150);

/// So much of one log is shown at a look; the rest at the next.
const MOST: u64 = 256 << 10;

/// The longest line that is waited for.
const LONGEST: usize = 64 << 10;

/// The word for every component.
const ALL: &str = "all";

/// The logs that are followed, from their end.
pub struct Follow(Vec<Log>);

struct Log {
    component: String,
    path: PathBuf,
    shown: u64,
    /// The file's number; another one has been begun under its name.
    inode: u64,
    /// The beginning of a line whose end has not come.
    rest: Vec<u8>,
}

impl Follow {
    pub fn new(ids: &[String], platform: &Runtime) -> Result<Self> {
        if ids.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let Some(dir) = platform.log_dir() else {
            bail!("`--follow` shows the components' logs, which are turned off")
        };
        let known: Vec<String> = platform.lifecycle().slots().into_iter().map(|slot| slot.id.clone()).collect();
        if let Some(unknown) = ids.iter().find(|id| *id != ALL && !known.contains(id)) {
            bail!("`--follow {unknown}`: there is no such component; there is {}", known.join(", "));
        }
        let followed = known.iter().filter(|id| ids.contains(id) || ids.iter().any(|one| one == ALL));
        Ok(Self(followed.flat_map(|id| ["stdout", "stderr"].map(|stream| Log::at_end(dir, id, stream))).collect()))
    }

    pub fn all(platform: &Runtime) -> Result<Self> {
        Self::new(&[ALL.to_owned()], platform)
    }

    /// Never ends.
    pub async fn run(mut self) {
        if self.0.is_empty() {
            return std::future::pending().await;
        }
        loop {
            tokio::time::sleep(LOOK).await;
            let mut out = std::io::stdout().lock();
            for log in &mut self.0 {
                let shown: String = log.news().iter().map(|line| format!("{}: {line}\n", log.component)).collect();
                drop(out.write_all(shown.as_bytes()).and_then(|()| out.flush()));
            }
        }
    }
}

impl Log {
    fn at_end(dir: &Path, component: &str, stream: &str) -> Self {
        let path = dir.join(format!("{component}_{stream}.txt"));
        let (shown, inode) = std::fs::metadata(&path).map_or((0, 0), |file| (file.len(), file.ino()));
        Self { component: component.to_owned(), path, shown, inode, rest: Vec::new() }
    }

    /// The lines that are whole since the last look.
    fn news(&mut self) -> Vec<String> {
        let Some(bytes) = self.read() else { return Vec::new() };
        self.rest.extend(bytes);
        let end = self.rest.iter().rposition(|byte| *byte == b'\n').map(|newline| newline + 1);
        // A line without end is shown in pieces.
        let Some(end) = end.or((self.rest.len() > LONGEST).then_some(self.rest.len())) else { return Vec::new() };
        let rest = self.rest.split_off(end);
        let whole = std::mem::replace(&mut self.rest, rest);
        String::from_utf8_lossy(&whole).lines().map(str::to_owned).collect()
    }

    fn read(&mut self) -> Option<Vec<u8>> {
        let mut file = File::open(&self.path).ok()?;
        let metadata = file.metadata().ok()?;
        let inode = std::mem::replace(&mut self.inode, metadata.ino());
        if metadata.len() < self.shown || metadata.ino() != inode {
            // Begun anew: emptied, or moved away when it was full.
            self.shown = 0;
            self.rest.clear();
        }
        file.seek(SeekFrom::Start(self.shown)).ok()?;
        let mut bytes = Vec::new();
        let read = file.take(MOST).read_to_end(&mut bytes).ok()?;
        self.shown += u64::try_from(read).ok()?;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_new_and_whole_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("web_stdout.txt");
        std::fs::write(&path, "before\n").unwrap();
        let mut log = Log::at_end(dir.path(), "web", "stdout");
        assert!(log.news().is_empty());
        let append = |text: &str| {
            let mut file = File::options().append(true).open(&path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        };
        append("one\ntw");
        assert_eq!(log.news(), ["one"]);
        append("o\nthree\n");
        assert_eq!(log.news(), ["two", "three"]);
        std::fs::write(&path, "anew\n").unwrap();
        assert_eq!(log.news(), ["anew"]);
    }

    #[test]
    fn a_log_that_is_not_there_yet_is_no_trouble() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Log::at_end(dir.path(), "web", "stderr");
        assert!(log.news().is_empty());
        std::fs::write(dir.path().join("web_stderr.txt"), "first\n").unwrap();
        assert_eq!(log.news(), ["first"]);
    }
}
