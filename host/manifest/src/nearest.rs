//! "Did you mean": the known name that is closest to a mistyped one.

/// The closest of `known`, when it is close enough to be what the author meant.
pub(crate) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let tolerance = 1 + typed.chars().count() / 4;
    known
        .into_iter()
        .map(|name| (strsim::levenshtein(typed, name), name))
        .filter(|(distance, _)| *distance <= tolerance)
        .min()
        .map(|(_, name)| name)
}

/// ", did you mean `x`?" or nothing.
pub(crate) fn did_you_mean<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(typed, known).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_close() {
        assert_eq!(nearest("sqlite_database", ["sqlite_databases", "source"]), Some("sqlite_databases"));
        assert_eq!(nearest("colour", ["sqlite_databases", "source"]), None);
    }
}
