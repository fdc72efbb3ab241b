//! What is wrong with a manifest: every error at once, each with its position and the fix.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError {
    /// 1 is the first line; 0 when it is nowhere in the file.
    pub line: usize,
    /// In characters; 1 is the first.
    pub column: usize,
    /// One sentence: what is wrong and what to write instead.
    pub message: String,
}

/// All that is wrong with one manifest, in the order of the file. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestErrors {
    pub path: PathBuf,
    pub errors: Vec<ManifestError>,
}

impl ManifestErrors {
    pub(crate) fn unreadable(path: &Path, cause: &std::io::Error) -> Self {
        let message = format!("cannot read the manifest: {cause}; name a Spin manifest with `--from <spin.toml>`");
        Self::somewhere(path, [message])
    }

    /// Without positions.
    pub(crate) fn somewhere(path: &Path, messages: impl IntoIterator<Item = String>) -> Self {
        let at_large = |message| ManifestError { line: 0, column: 0, message };
        Self { path: path.to_owned(), errors: messages.into_iter().map(at_large).collect() }
    }
}

impl fmt::Display for ManifestErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            let path = self.path.display();
            match error.line {
                0 => write!(f, "{newline}{path}: {}", error.message)?,
                line => write!(f, "{newline}{path}:{line}:{}: {}", error.column, error.message)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for ManifestErrors {}

/// Where the readers leave what they find, so that one mistake does not hide the next.
#[derive(Default)]
pub(crate) struct Sink(RefCell<Vec<(usize, String)>>);

impl Sink {
    pub fn add(&self, span: Range<usize>, message: impl Into<String>) {
        self.0.borrow_mut().push((span.start, message.into()));
    }

    /// `value`, which is there when nothing was found; else the errors with their positions in `text`.
    pub fn into_result<T>(self, path: &Path, text: &str, value: Option<T>) -> Result<T, ManifestErrors> {
        let mut found = self.0.into_inner();
        found.sort();
        found.dedup();
        let errors: Vec<_> = found.into_iter().map(|(offset, message)| located(text, offset, message)).collect();
        value.filter(|_| errors.is_empty()).ok_or_else(|| ManifestErrors { path: path.to_owned(), errors })
    }
}

fn located(text: &str, offset: usize, message: String) -> ManifestError {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    ManifestError { line: before.matches('\n').count() + 1, column, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_and_characters_not_bytes() {
        let sink = Sink::default();
        sink.add(10..11, "here");
        let errors = sink.into_result(Path::new("spin.toml"), "a = 1\nüü= 2", Some(())).unwrap_err();
        assert_eq!(errors.to_string(), "spin.toml:2:3: here");
    }

    #[test]
    fn reports_in_the_order_of_the_file() {
        let sink = Sink::default();
        sink.add(4..5, "second");
        sink.add(0..1, "first");
        let errors = sink.into_result(Path::new("m"), "a = 1", Some(())).unwrap_err();
        assert_eq!(errors.to_string(), "m:1:1: first\nm:1:5: second");
    }
}
