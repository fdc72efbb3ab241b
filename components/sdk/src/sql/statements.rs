//! Cuts a migration file into statements, because the host takes one a call.

/// The statements of `sql`, trimmed, without empty ones. Quotes, comments and the body of a trigger (`BEGIN … END`) are respected.
pub(super) fn split(sql: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let (mut start, mut at) = (0, 0);
    let mut words = Words::default();
    while let Some(rest) = sql.get(at..).filter(|rest| !rest.is_empty()) {
        let length = token(rest);
        let text = rest.get(..length).unwrap_or(rest);
        if text == ";" && !words.in_trigger() {
            statements.extend(sql.get(start..at));
            start = at + 1;
            words = Words::default();
        }
        words.see(text);
        at += length;
    }
    statements.extend(sql.get(start..));
    statements.into_iter().map(str::trim).filter(|statement| has_code(statement)).collect()
}

/// The length of the comment, quoted text, word or single character at the start of `rest`.
fn token(rest: &str) -> usize {
    let until = |end: &str, skip: usize| {
        let found = rest.get(skip..).and_then(|body| body.find(end));
        found.map_or(rest.len(), |i| skip + i + end.len())
    };
    let first = rest.chars().next().unwrap_or_default();
    match first {
        '-' if rest.starts_with("--") => until("\n", 2),
        '/' if rest.starts_with("/*") => until("*/", 2),
        // A doubled quote inside reads as two texts side by side, which comes to the same.
        '\'' => until("'", 1),
        '"' => until("\"", 1),
        c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
        c => c.len_utf8(),
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn has_code(statement: &str) -> bool {
    let mut rest = statement;
    while !rest.is_empty() {
        let (text, after) = rest.split_at(token(rest));
        if !text.starts_with("--") && !text.starts_with("/*") && !text.trim().is_empty() {
            return true;
        }
        rest = after;
    }
    false
}

/// Only `CREATE … TRIGGER` holds semicolons of its own: from `BEGIN` to the `END` that no `CASE` waits for.
#[derive(Default)]
struct Words {
    is_trigger: bool,
    depth: u32,
}

impl Words {
    fn see(&mut self, word: &str) {
        match word.to_ascii_uppercase().as_str() {
            "TRIGGER" => self.is_trigger = true,
            "BEGIN" | "CASE" if self.is_trigger => self.depth += 1,
            "END" => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    fn in_trigger(&self) -> bool {
        self.depth > 0
    }
}
