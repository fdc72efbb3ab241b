//! A Markdown file of the repository as data: its headings, links, code spans and code blocks.

use std::path::{Path, PathBuf};

use crate::{entries, root, text};

/// What a document says, by line.
#[derive(Debug)]
pub struct Document {
    pub path: PathBuf,
    pub headings: Vec<String>,
    /// Targets of links that lead to other files or headings of the repository.
    pub links: Vec<Place>,
    /// Texts between single backticks.
    pub spans: Vec<Place>,
    /// Lines of fenced code blocks.
    pub code: Vec<Place>,
}

/// A piece of a document, and the line that it is in.
#[derive(Debug)]
pub struct Place {
    pub line: usize,
    pub text: String,
}

impl Document {
    pub fn read(path: &Path) -> Self {
        let mut document = Self {
            path: path.to_owned(),
            headings: Vec::new(),
            links: Vec::new(),
            spans: Vec::new(),
            code: Vec::new(),
        };
        let mut in_code = false;
        for (number, line) in text(path).lines().enumerate() {
            if line.trim_start().starts_with("```") {
                in_code = !in_code;
            } else if in_code {
                document.code.push(Place { line: number + 1, text: line.to_owned() });
            } else {
                document.prose(number + 1, line);
            }
        }
        document
    }

    fn prose(&mut self, line: usize, text: &str) {
        if text.starts_with('#') {
            self.headings.push(text.trim_start_matches('#').trim().to_owned());
        }
        let places = |texts: Vec<String>| texts.into_iter().map(move |text| Place { line, text });
        self.spans.extend(places(code_spans(text)));
        self.links.extend(places(link_targets(text)));
    }

    /// The anchors that lead to the headings, as GitHub makes them.
    pub fn anchors(&self) -> Vec<String> {
        self.headings.iter().map(|heading| anchor(heading)).collect()
    }
}

/// All Markdown files of the repository, but those of other projects that a build or npm puts below it.
pub fn documents() -> Vec<Document> {
    let mut found = Vec::new();
    collect(&root(), &mut found);
    found.sort();
    found.iter().map(|path| Document::read(path)).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in entries(folder) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let foreign = matches!(name, "target" | "node_modules" | ".git" | ".venv");
        if path.is_dir() && !foreign {
            collect(&path, found);
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// Every second piece between backticks; a line with an odd number of them has an open one at its end.
fn code_spans(line: &str) -> Vec<String> {
    let pieces: Vec<&str> = line.split('`').collect();
    let closed = if pieces.len().is_multiple_of(2) { pieces.len() - 1 } else { pieces.len() };
    let pieces = pieces.into_iter().take(closed);
    pieces.skip(1).step_by(2).filter(|piece| !piece.is_empty()).map(str::to_owned).collect()
}

fn link_targets(line: &str) -> Vec<String> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")).map(str::to_owned).collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_spans_end_with_the_line() {
        assert_eq!(code_spans("`a` and `b/c`, then `open"), ["a", "b/c"]);
    }

    #[test]
    fn an_anchor_is_the_heading_in_small_letters_without_signs() {
        assert_eq!(anchor("The map: what & where"), "the-map-what--where");
    }

    #[test]
    fn links_to_the_world_are_left_out() {
        assert_eq!(link_targets("[a](b.md#c) [d](https://e.example/)"), ["b.md#c"]);
    }
}
