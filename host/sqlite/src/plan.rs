//! What a statement is, found once per text: a read, a write, transaction control, or something that is refused.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::policy::{self, PragmaUse};
use crate::tokens::{Token, tokens};

/// Texts remembered. A guest's statements are few; one that builds its texts from data empties the map now and then.
const MAX_PLANS: usize = 2048;
/// Longer texts are classified each time: they are rare, and would fill the map with megabytes.
const MAX_REMEMBERED_BYTES: usize = 8 << 10;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub sql: Arc<str>,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Read,
    /// A read that speaks of its connection (`last_insert_rowid()`): only the writer can answer.
    ReadConnection,
    Write {
        /// INSERT, UPDATE or DELETE: sets the session's `changes`.
        counts: bool,
    },
    Control(Control),
    Refused(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Control {
    Begin,
    Commit,
    Rollback,
    Savepoint(String),
    Release(String),
    RollbackTo(String),
}

#[derive(Debug, Default)]
pub(crate) struct Plans(RwLock<HashMap<Arc<str>, Arc<Plan>>>);

impl Plans {
    pub fn get(&self, sql: &str) -> Arc<Plan> {
        if let Some(plan) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(sql) {
            return plan.clone();
        }
        let plan = Arc::new(Plan { sql: sql.into(), kind: classify(sql) });
        if sql.len() <= MAX_REMEMBERED_BYTES {
            let mut plans = self.0.write().unwrap_or_else(PoisonError::into_inner);
            if plans.len() >= MAX_PLANS {
                plans.clear();
            }
            plans.insert(plan.sql.clone(), plan.clone());
        }
        plan
    }
}

fn classify(sql: &str) -> Kind {
    if sql.contains('\0') {
        return refused("the statement contains a NUL character");
    }
    let words: Vec<Token<'_>> = tokens(sql).collect();
    let Some(first) = words.first() else { return refused("the statement is empty") };
    let Token::Word(verb) = first else { return Kind::Read }; // SQLite has the better message for a syntax error.
    match verb.to_ascii_uppercase().as_str() {
        "BEGIN" | "COMMIT" | "END" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" => control(&words),
        "SELECT" | "VALUES" => read(&words),
        "EXPLAIN" => Kind::Read,
        "WITH" => with(&words),
        "PRAGMA" => pragma(&words),
        "ATTACH" | "DETACH" => refused("a component has one database per connection: ATTACH and DETACH are refused"),
        "VACUUM" => refused("VACUUM is the host's business: it would stop every other user of the database"),
        "INSERT" | "REPLACE" | "UPDATE" | "DELETE" => write(&words, true),
        _ => write(&words, false),
    }
}

fn refused(why: &str) -> Kind {
    Kind::Refused(why.to_owned())
}

fn read(words: &[Token<'_>]) -> Kind {
    let speaks_of_connection = |name: &str| {
        let calls = |pair: &[Token<'_>]| matches!(pair, [word, Token::Symbol('(')] if word.is(name));
        words.windows(2).any(calls)
    };
    if speaks_of_connection("changes") || speaks_of_connection("total_changes") {
        return refused(
            "changes() and total_changes() count for one connection: ask the connection for its changes instead",
        );
    }
    if speaks_of_connection("last_insert_rowid") { Kind::ReadConnection } else { Kind::Read }
}

fn write(words: &[Token<'_>], counts: bool) -> Kind {
    if rolls_back(words) {
        return refused(
            "OR ROLLBACK, ON CONFLICT ROLLBACK and RAISE(ROLLBACK) are refused: commits are shared. Use ABORT, and ROLLBACK yourself",
        );
    }
    if let [create, temp, ..] = words
        && create.is("CREATE")
        && (temp.is("TEMP") || temp.is("TEMPORARY"))
    {
        return refused("temporary objects are refused: connections are shared, so they would outlive yours");
    }
    Kind::Write { counts }
}

/// Whether a statement, or a trigger or table that it declares, may roll back the transaction around it.
pub(crate) fn rolls_back(words: &[Token<'_>]) -> bool {
    words.windows(3).any(|three| match three {
        [verb, or, rollback] if or.is("OR") => (verb.is("INSERT") || verb.is("UPDATE")) && rollback.is("ROLLBACK"),
        [on, conflict, rollback] if conflict.is("CONFLICT") => on.is("ON") && rollback.is("ROLLBACK"),
        [raise, Token::Symbol('('), rollback] => raise.is("RAISE") && rollback.is("ROLLBACK"),
        _ => false,
    })
}

/// `WITH name AS (…), name AS (…) SELECT|INSERT|…`: the first verb outside parentheses that is not a table's name.
fn with(words: &[Token<'_>]) -> Kind {
    let mut depth = 0_usize;
    let mut name_expected = true;
    for word in words.iter().skip(1) {
        match word {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => depth = depth.saturating_sub(1),
            Token::Symbol(',') if depth == 0 => name_expected = true,
            _ if depth > 0 || (name_expected && word.is("RECURSIVE")) => {}
            _ if name_expected => name_expected = false,
            _ if word.is("SELECT") || word.is("VALUES") => return read(words),
            _ if word.is("INSERT") || word.is("REPLACE") || word.is("UPDATE") || word.is("DELETE") => {
                return write(words, true);
            }
            _ => {}
        }
    }
    Kind::Read
}

/// `PRAGMA [schema.]name [= value | (value)]`
fn pragma(words: &[Token<'_>]) -> Kind {
    let mut rest = words.iter().skip(1).filter(|word| !matches!(word, Token::Symbol(';')));
    let mut name = rest.next().and_then(Token::name).unwrap_or_default();
    let mut next = rest.next();
    if next == Some(&Token::Symbol('.')) {
        name = rest.next().and_then(Token::name).unwrap_or_default();
        next = rest.next();
    }
    let value = next.and(rest.next()).map(|word| match word {
        Token::Word(text) | Token::Quoted(text) | Token::Number(text) => *text,
        Token::Symbol(_) => "",
    });
    match policy::pragma(name, value) {
        PragmaUse::Read => Kind::Read,
        PragmaUse::Write => Kind::Write { counts: false },
        PragmaUse::Refused => Kind::Refused(format!(
            "PRAGMA {name} is refused: connections are shared, so only pragmas that read the schema are allowed"
        )),
    }
}

fn control(words: &[Token<'_>]) -> Kind {
    let words = match words {
        [most @ .., Token::Symbol(';')] => most,
        all => all,
    };
    parse_control(words).map_or_else(
        || refused("not understood as transaction control; and one statement at a time, please"),
        Kind::Control,
    )
}

fn parse_control(words: &[Token<'_>]) -> Option<Control> {
    let (verb, rest) = words.split_first()?;
    if verb.is("BEGIN") {
        let modes = ["DEFERRED", "IMMEDIATE", "EXCLUSIVE", "CONCURRENT"];
        let rest = skip(rest, |word| modes.iter().any(|mode| word.is(mode)));
        return transaction(rest)?.is_empty().then_some(Control::Begin);
    }
    if verb.is("COMMIT") || verb.is("END") {
        return transaction(rest)?.is_empty().then_some(Control::Commit);
    }
    if verb.is("SAVEPOINT") {
        return name(rest).map(Control::Savepoint);
    }
    if verb.is("RELEASE") {
        return name(skip_if_followed(rest, "SAVEPOINT")).map(Control::Release);
    }
    match transaction(rest)? {
        [] => Some(Control::Rollback),
        [to, rest @ ..] if to.is("TO") => name(skip_if_followed(rest, "SAVEPOINT")).map(Control::RollbackTo),
        _ => None,
    }
}

/// Skips `[TRANSACTION [name]]`.
fn transaction<'w, 'a>(words: &'w [Token<'a>]) -> Option<&'w [Token<'a>]> {
    match words {
        [word, rest @ ..] if word.is("TRANSACTION") => match rest {
            [name, rest @ ..] if !name.is("TO") && name.name().is_some() => Some(rest),
            _ => Some(rest),
        },
        _ => Some(words),
    }
}

fn skip<'w, 'a>(words: &'w [Token<'a>], matches: impl Fn(&Token<'a>) -> bool) -> &'w [Token<'a>] {
    match words {
        [word, rest @ ..] if matches(word) => rest,
        _ => words,
    }
}

fn skip_if_followed<'w, 'a>(words: &'w [Token<'a>], keyword: &str) -> &'w [Token<'a>] {
    if words.len() > 1 { skip(words, |word| word.is(keyword)) } else { words }
}

/// SQLite compares savepoints' names without regard to ASCII case.
fn name(words: &[Token<'_>]) -> Option<String> {
    match words {
        [name] => name.name().map(str::to_ascii_lowercase),
        _ => None,
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
