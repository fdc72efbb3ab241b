//! What a trace tells of a statement: which one, and the commit that it waited for. Never the values.

use kobliat_sqlite::{Error, QueryOutput};
use kobliat_telemetry::{Span, SpanKind, Trace};

/// The beginning of a statement says which it is.
const TEXT: usize = 512;

/// `bound`: the values are not in the text, which may be told then.
pub fn of_statement(trace: &Trace, label: &str, statement: &str, bound: bool) -> Span {
    let mut span = trace.span(SpanKind::Client, || format!("{} {label}", operation(statement)));
    if span.is_recorded() {
        span.set("db.system.name", "sqlite");
        span.set("db.namespace", label);
        span.set("db.operation.name", operation(statement));
        if bound {
            span.set("db.query.text", statement.chars().take(TEXT).collect::<String>());
        }
    }
    span
}

pub fn finish(span: &mut Span, output: &Result<QueryOutput, Error>) {
    if !span.is_recorded() {
        return;
    }
    match output {
        Ok(QueryOutput { commit: Some(commit), .. }) => {
            let mut past = span.past(SpanKind::Internal, "COMMIT", commit.took);
            past.set("kobliat.commit.jobs", i64::try_from(commit.jobs).unwrap_or(i64::MAX));
        }
        Ok(_) => {}
        Err(error) => span.fail(error),
    }
}

/// The first word: `SELECT`, `INSERT`, `BEGIN`.
fn operation(statement: &str) -> String {
    let word = statement.trim_start().chars().take_while(|char| char.is_ascii_alphabetic()).take(16);
    word.map(|char| char.to_ascii_uppercase()).collect()
}
