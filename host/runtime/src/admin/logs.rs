//! What a component wrote to stdout and stderr, as the admin surface tells it.

use kobliat_admin::Problem;
use kobliat_engine::stdio::earlier;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The end of a file that is looked at: more is for a program that reads files.
const TAIL: u64 = 1 << 20;

/// The most lines of one answer.
const MAX_LINES: usize = 10_000;

pub struct Logs {
    directory: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    All,
    Error,
    Warning,
}

impl FromStr for Filter {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "all" => Ok(Self::All),
            "error" => Ok(Self::Error),
            "warning" => Ok(Self::Warning),
            _ => Err(()),
        }
    }
}

impl Filter {
    /// By the word that loggers write; `warning` shows errors, too.
    fn shows(self, line: &str) -> bool {
        let line = line.to_ascii_uppercase();
        let is_error = ["ERROR", "PANICKED", "FATAL"].iter().any(|word| line.contains(word));
        match self {
            Self::All => true,
            Self::Error => is_error,
            Self::Warning => is_error || line.contains("WARN"),
        }
    }
}

/// A line, and the time at its beginning where it has one.
struct Line<'a> {
    time: Option<&'a str>,
    stream: &'static str,
    text: &'a str,
}

impl Logs {
    pub fn new(directory: Option<PathBuf>) -> Self {
        Self { directory }
    }

    fn file(&self, component: &str, stream: &str) -> Result<PathBuf, Problem> {
        let directory = self
            .directory
            .as_ref()
            .ok_or_else(|| Problem::conflict("no output is kept: runtime-config.toml has `log_dir = \"\"`"))?;
        Ok(directory.join(format!("{component}_{stream}.txt")))
    }

    /// The last lines of both streams that the filter shows, in the order of their times where they have some.
    pub fn read(&self, component: &str, lines: usize, filter: Filter) -> Result<Vec<Value>, Problem> {
        let texts = [("stdout", self.tail(component, "stdout")?), ("stderr", self.tail(component, "stderr")?)];
        let mut found: Vec<Line<'_>> = Vec::new();
        for (stream, text) in &texts {
            let mut time = None;
            for text in text.lines().filter(|text| filter.shows(text)) {
                // A line without a time belongs to the one before it.
                time = time_of(text).or(time);
                found.push(Line { time, stream, text });
            }
        }
        found.sort_by_key(|line| line.time);
        let skipped = found.len().saturating_sub(lines.min(MAX_LINES));
        Ok(found
            .into_iter()
            .skip(skipped)
            .map(|line| json!({ "time": line.time, "stream": line.stream, "line": line.text }))
            .collect())
    }

    fn tail(&self, component: &str, stream: &str) -> Result<String, Problem> {
        let path = self.file(component, stream)?;
        match tail_with_earlier(&path) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            Err(error) => Err(Problem::internal(format!("failed to read `{}`: {error}", path.display()))),
        }
    }

    /// The files stay, and what is written next is at their beginning. Earlier files go.
    pub fn clear(&self, component: &str) -> Result<(), Problem> {
        for stream in ["stdout", "stderr"] {
            let path = self.file(component, stream)?;
            for number in 1..=u8::MAX {
                if std::fs::remove_file(earlier(&path, number)).is_err() {
                    break;
                }
            }
            match OpenOptions::new().write(true).truncate(true).open(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Problem::internal(format!("failed to empty `{}`: {error}", path.display())));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A file that was begun a moment ago continues the earlier one.
fn tail_with_earlier(path: &Path) -> io::Result<String> {
    let text = tail(path)?;
    if text.len() as u64 >= TAIL / 2 {
        return Ok(text);
    }
    let before = tail(&earlier(path, 1)).unwrap_or_default();
    let begin = before.len().saturating_sub(usize::try_from(TAIL / 2).unwrap_or(usize::MAX));
    let before = before.get(before.ceil_char_boundary(begin)..).unwrap_or_default();
    let whole_lines = if begin == 0 { before } else { before.split_once('\n').map_or("", |(_, rest)| rest) };
    Ok(whole_lines.to_owned() + &text)
}

/// The file's last part, from the beginning of a line on.
fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let skipped = file.metadata()?.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(match text.split_once('\n') {
        Some((_, rest)) if skipped > 0 => rest.to_owned(),
        _ => text,
    })
}

/// An RFC 3339 time at the line's beginning, or in the field `"time"` of a line of JSON.
fn time_of(line: &str) -> Option<&str> {
    let is_time = |word: &&str| word.len() >= 20 && word.as_bytes().get(10) == Some(&b'T') && word.starts_with("2");
    let first = line.split_whitespace().next()?;
    let field = || line.split_once("\"time\":\"").or_else(|| line.split_once("\"timestamp\":\""));
    Some(first).filter(is_time).or_else(|| field()?.1.split('"').next().filter(is_time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[Value]) -> Vec<&str> {
        lines.iter().filter_map(|line| line["line"].as_str()).collect()
    }

    #[test]
    fn both_streams_are_merged_by_time_and_filtered() {
        let directory = tempfile::tempdir().unwrap();
        let out = "2026-11-22T10:00:00.000Z INFO one\n2026-11-22T10:00:02.000Z WARN three\n  and more\n";
        let error = "2026-11-22T10:00:01.000Z ERROR two\n";
        std::fs::write(directory.path().join("a_stdout.txt"), out).unwrap();
        std::fs::write(directory.path().join("a_stderr.txt"), error).unwrap();
        let logs = Logs::new(Some(directory.path().to_owned()));
        let all = logs.read("a", 100, Filter::All).unwrap();
        let words: Vec<_> = texts(&all).iter().map(|text| text.split_whitespace().last().unwrap()).collect();
        assert_eq!(words, ["one", "two", "three", "more"]);
        assert_eq!(all[1]["stream"], "stderr");
        assert_eq!(logs.read("a", 1, Filter::Error).unwrap().len(), 1);
        assert_eq!(logs.read("a", 100, Filter::Warning).unwrap().len(), 2);
        logs.clear("a").unwrap();
        assert!(logs.read("a", 100, Filter::All).unwrap().is_empty());
    }

    #[test]
    fn a_long_file_is_told_from_the_beginning_of_a_line() {
        let directory = tempfile::tempdir().unwrap();
        let line = format!("{}\n", "x".repeat(99));
        std::fs::write(directory.path().join("a_stdout.txt"), line.repeat(20_000)).unwrap();
        let read = Logs::new(Some(directory.path().to_owned())).read("a", usize::MAX, Filter::All).unwrap();
        assert!(read.len() > 9_000 && texts(&read).iter().all(|text| text.len() == 99));
    }

    #[test]
    fn a_log_that_was_begun_anew_shows_what_was_before_it() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("a_stdout.txt.1"), "2026-11-22T10:00:00.000Z one\n").unwrap();
        std::fs::write(directory.path().join("a_stdout.txt"), "2026-11-22T10:00:01.000Z two\n").unwrap();
        let logs = Logs::new(Some(directory.path().to_owned()));
        assert_eq!(logs.read("a", 100, Filter::All).unwrap().len(), 2);
        logs.clear("a").unwrap();
        assert!(logs.read("a", 100, Filter::All).unwrap().is_empty());
    }

    #[test]
    fn a_host_that_keeps_no_output_says_so() {
        assert!(Logs::new(None).read("a", 1, Filter::All).unwrap_err().detail.contains("log_dir"));
    }
}
