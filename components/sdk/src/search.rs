//! What people search for (`q`), made safe for FTS5 and, where a store has no FTS5, for LIKE.
//!
//! ```
//! let words = sdk::search::Words::parse(r#" "ada" OR lov* "#).unwrap();
//! assert_eq!(words.fts("acme", "body", sdk::search::Prefix::Last), r#"tenant_id : "acme" AND body : """ada""" AND body : "OR" AND body : "lov*" *"#);
//! ```

use std::borrow::Cow;

use crate::{Problem, query::Query, sql::SqlError};

/// Longer than anybody types.
const MAX_CHARS: usize = 200;
/// Each word is a look-up of its own.
const MAX_WORDS: usize = 16;

/// The words that must all be found. Empty when there were only signs: then nothing is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(Vec<String>);

/// Which words may be the beginning of longer ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// The one that is perhaps still being typed, once it has three characters: fewer begin too many words of a long text.
    Last,
    All,
}

impl Words {
    /// The parameter `q`; `None` when it is absent.
    pub fn of(query: &Query) -> Result<Option<Self>, Problem> {
        let parsed = query.get("q").map(Self::parse).transpose();
        parsed.map_err(|reason| Problem::invalid_field("?q", reason))
    }

    /// Words are what is between blanks, if there is a letter or a digit in it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.chars().count() > MAX_CHARS {
            return Err("must have at most 200 characters");
        }
        if text.contains('\0') {
            return Err("must not contain NUL");
        }
        let words: Vec<String> =
            text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).map(str::to_owned).collect();
        if words.len() > MAX_WORDS { Err("must have at most 16 words") } else { Ok(Self(words)) }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The words again, blank by blank: what names a list that is searched.
    pub fn text(&self) -> String {
        self.0.join(" ")
    }

    /// A MATCH expression over the columns `tenant_id` and `column`. Every word is a quoted string, so that none of it is syntax.
    pub fn fts(&self, tenant: &str, column: &str, prefix: Prefix) -> String {
        let last = self.0.len().saturating_sub(1);
        let word = |(at, word): (usize, &String)| {
            let is_cut = at == last && (word.chars().count() > 2 || !word.is_ascii());
            let star = if prefix == Prefix::All || is_cut { " *" } else { "" };
            format!(" AND {column} : {}{star}", quoted(spaced(word).trim()))
        };
        let words: String = self.0.iter().enumerate().map(word).collect();
        format!("tenant_id : {}{words}", quoted(tenant))
    }

    /// Like [`Self::like`], for texts that are stored as [`spaced`] makes them.
    pub fn like_spaced(&self) -> Result<crate::sql::Value, SqlError> {
        Self(self.0.iter().map(|word| spaced(word).trim().to_owned()).collect()).like()
    }

    /// A JSON list of patterns for `LIKE … ESCAPE '\'`: read it with `json_each(?)`.
    pub fn like(&self) -> Result<crate::sql::Value, SqlError> {
        let escaped = |word: &String| word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let patterns: Vec<String> = self.0.iter().map(|word| format!("%{}%", escaped(word))).collect();
        crate::sql::list(&patterns)
    }
}

/// For `GLOB`: texts with a letter that [`spaced`] sets apart.
pub const UNSPACED_GLOB: &str =
    "*[\u{e00}-\u{11ff}\u{1780}-\u{17ff}\u{3040}-\u{d7ff}\u{f900}-\u{faff}\u{ff66}-\u{ff9d}\u{20000}-\u{3ffff}]*";

/// A text as the index has it. Thai, Lao, Tibetan, Burmese, Khmer, Chinese and Japanese put no blanks between words, and Korean puts
/// few: each of their letters counts as a word, so that a word is found wherever it stands in a sentence. FTS5's own trigrams would
/// find none of two letters, as most Chinese words have.
pub fn spaced(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unspaced) {
        return Cow::Borrowed(text);
    }
    let mut spaced = String::with_capacity(2 * text.len());
    for letter in text.chars() {
        if !is_unspaced(letter) {
            spaced.push(letter);
            continue;
        }
        if !spaced.is_empty() && !spaced.ends_with(' ') {
            spaced.push(' ');
        }
        spaced.push(letter);
        spaced.push(' ');
    }
    Cow::Owned(spaced)
}

fn is_unspaced(letter: char) -> bool {
    matches!(letter, '\u{e00}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{d7ff}')
        || matches!(letter, '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9d}' | '\u{20000}'..='\u{3ffff}')
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Whether the store has no such full-text index: its SQLite lacks FTS5, so the migration that would make it was passed over.
pub fn is_missing(error: &SqlError, index: &str) -> bool {
    let SqlError::Failed(reason) = error else { return false };
    reason.contains(&format!("no such table: {index}")) || reason.contains("no such module: fts5")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_words_and_leaves_signs() {
        let words = Words::parse("  how *  ARE, you? ** ").unwrap();
        assert_eq!(words.text(), "how ARE, you?");
        assert!(Words::parse("*** -- \"").unwrap().is_empty());
        assert!(Words::parse(&"x".repeat(201)).is_err());
        assert!(Words::parse(&"x ".repeat(17)).is_err());
        assert!(Words::parse("a\0b").is_err());
    }

    #[test]
    fn quotes_what_would_be_syntax() {
        let fts = |text: &str, prefix| Words::parse(text).unwrap().fts("a\"b", "words", prefix);
        assert_eq!(fts("x\" OR tenant_id:y", Prefix::Last).matches('"').count() % 2, 0);
        assert!(fts("hello", Prefix::Last).ends_with('*') && fts("日", Prefix::Last).ends_with('*'));
        assert!(!fts("hello w", Prefix::Last).contains('*'), "too short to be cut");
        assert_eq!(fts("a NEAR(b", Prefix::All), r#"tenant_id : "a""b" AND words : "a" * AND words : "NEAR(b" *"#);
    }

    #[test]
    fn sets_letters_of_scripts_without_blanks_apart() {
        assert_eq!(spaced("an 订单12 b"), "an 订 单 12 b");
        assert!(matches!(spaced("Zoë Müller 🚀 ’"), Cow::Borrowed(_)));
        assert_eq!(spaced("สินค้า").split_whitespace().count(), 6);
        let words = Words::parse("订单").unwrap();
        assert_eq!(words.fts("t", "words", Prefix::Last), r#"tenant_id : "t" AND words : "订 单" *"#);
        assert_eq!(words.like_spaced().unwrap(), crate::sql::Value::Text(r#"["%订 单%"]"#.into()));
    }

    #[test]
    fn escapes_the_wildcards_of_like() {
        let like = Words::parse(r"50%_a\b").unwrap().like().unwrap();
        assert_eq!(like, crate::sql::Value::Text(r#"["%50\\%\\_a\\\\b%"]"#.into()));
    }
}
