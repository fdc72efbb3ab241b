//! Why the host does not start: every reason found, each with what to change.

use std::fmt;

#[derive(Debug)]
pub struct StartError {
    problems: Vec<String>,
}

impl StartError {
    pub fn new(problem: impl Into<String>) -> Self {
        Self { problems: vec![problem.into()] }
    }

    /// `Ok` when nothing was found.
    pub(crate) fn from_all(problems: Vec<String>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self { problems }) }
    }

    /// For each place where an error of another layer becomes a reason not to start.
    pub(crate) fn because(doing: impl fmt::Display, error: impl fmt::Display) -> Self {
        Self::new(format!("failed to {doing}: {error:#}"))
    }

    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for StartError {}
