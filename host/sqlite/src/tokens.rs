//! Cuts SQL into tokens as SQLite does, so that comments, strings and quoted names cannot hide or fake a keyword.

/// One token that matters to the classification. Literals and operators are told apart only as far as that needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// A keyword or a plain identifier.
    Word(&'a str),
    /// A quoted identifier or a string, without its quotes; doubled quotes inside are kept doubled.
    Quoted(&'a str),
    /// A number, with what follows it directly.
    Number(&'a str),
    Symbol(char),
}

impl<'a> Token<'a> {
    pub fn is(&self, keyword: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    /// The name that this token is, where the grammar wants one.
    pub fn name(&self) -> Option<&'a str> {
        match self {
            Self::Word(text) | Self::Quoted(text) => Some(text),
            Self::Number(_) | Self::Symbol(_) => None,
        }
    }
}

/// The tokens of `sql`, without white space and comments.
pub(crate) fn tokens(sql: &str) -> Tokens<'_> {
    Tokens { rest: sql }
}

pub(crate) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blank();
        let first = self.rest.chars().next()?;
        Some(match first {
            '\'' | '"' | '`' => Token::Quoted(self.quoted(first)),
            '[' => Token::Quoted(self.bracketed()),
            '0'..='9' => Token::Number(self.take_while(|c| is_identifier(c) || c == '.')),
            _ if is_identifier(first) => Token::Word(self.take_while(is_identifier)),
            _ => {
                self.advance(first.len_utf8());
                Token::Symbol(first)
            }
        })
    }
}

impl<'a> Tokens<'a> {
    fn skip_blank(&mut self) {
        loop {
            // SQLite takes a byte-order mark for white space, and VT for none.
            self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\x0c', '\r', '\u{feff}']);
            if self.rest.starts_with("--") {
                self.skip_past("\n");
            } else if self.rest.starts_with("/*") {
                self.advance(2);
                self.skip_past("*/");
            } else {
                return;
            }
        }
    }

    fn skip_past(&mut self, end: &str) {
        self.rest = self.rest.split_once(end).map_or("", |(_, after)| after);
    }

    /// The text up to the closing quote; a doubled quote does not close.
    fn quoted(&mut self, quote: char) -> &'a str {
        self.advance(1);
        let mut end = 0;
        while let Some(found) = self.rest.get(end..).and_then(|text| text.find(quote)) {
            end += found;
            if self.rest.get(end + 1..).is_some_and(|after| after.starts_with(quote)) {
                end += 2;
            } else {
                let text = self.advance(end);
                self.advance(1);
                return text;
            }
        }
        self.advance(self.rest.len())
    }

    fn bracketed(&mut self) -> &'a str {
        self.advance(1);
        let (name, after) = self.rest.split_once(']').unwrap_or((self.rest, ""));
        self.rest = after;
        name
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        self.advance(end)
    }

    fn advance(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }
}

fn is_identifier(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$' || (!c.is_ascii() && c != '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_quotes_hide_keywords() {
        let sql = "\u{feff} -- begin\n/* commit */ SELECT 'it''s; begin', \"a\"\"b\", [x y], `z`, 1.5e3, ?1";
        let found: Vec<_> = tokens(sql).filter(|token| !matches!(token, Token::Symbol(_))).collect();
        assert_eq!(
            found,
            [
                Token::Word("SELECT"),
                Token::Quoted("it''s; begin"),
                Token::Quoted("a\"\"b"),
                Token::Quoted("x y"),
                Token::Quoted("z"),
                Token::Number("1.5e3"),
                Token::Number("1"),
            ]
        );
    }

    #[test]
    fn unterminated_text_ends_with_the_statement() {
        for sql in ["'abc", "\"abc", "[abc", "/* abc", "-- abc", "'a''", "é", "'é", "x'"] {
            assert!(tokens(sql).count() <= 2, "{sql}");
        }
    }
}
