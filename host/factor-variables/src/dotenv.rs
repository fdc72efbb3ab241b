//! `.env` files: `KEY=value` lines, with comments, `export` and quotes as shells write them.

use std::collections::BTreeMap;

/// The values of a file; the error names the line.
pub(crate) fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = entry(line).ok_or_else(|| format!("line {} is not `KEY=value`", index + 1))?;
        values.insert(key, value);
    }
    Ok(values)
}

fn entry(line: &str) -> Option<(String, String)> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (key, value) = line.split_once('=')?;
    let key = key.trim();
    let is_name = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| Some((key.to_owned(), unquote(value.trim())?)))?
}

/// Single quotes keep everything; double quotes know `\n`, `\"` and `\\`; without quotes ` #` begins a comment.
fn unquote(value: &str) -> Option<String> {
    if let Some(rest) = value.strip_prefix('\'') {
        let (inner, after) = rest.split_once('\'')?;
        return is_comment(after).then(|| inner.to_owned());
    }
    if let Some(rest) = value.strip_prefix('"') {
        return unescape(rest);
    }
    Some(value.split(" #").next().unwrap_or_default().trim_end().to_owned())
}

fn unescape(quoted: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return is_comment(characters.as_str()).then_some(text),
            '\\' => text.push(match characters.next()? {
                'n' => '\n',
                other => other,
            }),
            other => text.push(other),
        }
    }
}

fn is_comment(text: &str) -> bool {
    let text = text.trim_start();
    text.is_empty() || text.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_shells_read() {
        let text = "# comment\n\nA=1\nexport B = two words # not this\nC='a # b'\nD=\"x\\\"y\\n\" # end\nE=\nF=a#b\n";
        let values = parse(text).unwrap();
        let of = |key: &str| values[key].as_str();
        assert_eq!((of("A"), of("B"), of("C")), ("1", "two words", "a # b"));
        assert_eq!((of("D"), of("E"), of("F")), ("x\"y\n", "", "a#b"));
    }

    #[test]
    fn names_the_bad_line() {
        for bad in ["A=1\nno value", "A=1\nB='open", "A=1\nB=\"open", "A=1\nB='a' b", "A=1\n=x", "A=1\nB-C=x"] {
            assert_eq!(parse(bad).unwrap_err(), "line 2 is not `KEY=value`", "{bad}");
        }
    }
}
