//! The table that a run ends with, as Markdown.

use crate::statistics::Estimate;

/// One line: what was measured, and against which target.
pub struct Line {
    pub what: String,
    pub measured: String,
    pub target: String,
}

#[derive(Default)]
pub struct Report(Vec<Line>);

impl Report {
    pub fn add(&mut self, what: impl Into<String>, measured: impl Into<String>, target: impl Into<String>) {
        let line = Line { what: what.into(), measured: measured.into(), target: target.into() };
        eprintln!("{}: {}", line.what, line.measured);
        self.0.push(line);
    }

    /// A ratio with its interval.
    pub fn ratio(&mut self, what: impl Into<String>, ratio: Estimate, target: impl Into<String>) {
        self.add(what, format!("{:.2} × ({:.2}–{:.2})", ratio.median, ratio.low, ratio.high), target);
    }

    /// The control: the same server against itself. When its interval leaves 0.95 to 1.05, the run says nothing.
    pub fn control(&mut self, what: &str, ratio: Estimate) {
        let verdict =
            if ratio.low < 0.95 || ratio.high > 1.05 { "VOID: repeat on a quieter machine" } else { "0.95–1.05" };
        self.ratio(format!("{what}: control A/A"), ratio, verdict);
    }

    pub fn markdown(&self) -> String {
        let mut text = "| measured | result | target |\n|---|---|---|\n".to_owned();
        for Line { what, measured, target } in &self.0 {
            text.push_str(&format!("| {what} | {measured} | {target} |\n"));
        }
        text
    }
}
