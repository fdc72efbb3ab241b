//! How values are written on the command line: pairs, variables from files, statements, sizes, times, ranges.

use kobliat_runtime::SqlitePreset;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

/// A path that may be `""`, which clap's own takes for a missing value.
pub fn maybe_empty(text: &str) -> Result<PathBuf, std::convert::Infallible> {
    Ok(PathBuf::from(text))
}

/// What a request's head may be at most; hyper's least buffer is the least.
pub fn head_size(text: &str) -> Result<usize, String> {
    let size = text.trim().parse().ok().filter(|size| (8192..=16 << 20).contains(size));
    size.ok_or_else(|| "write bytes, from 8192 to 16777216".to_owned())
}

/// What `@-` reads: so a secret is neither in the process list nor in a file.
const STDIN: &str = "-";

/// `name=@file`, `@file.json`, `@file.toml`, the same with `-` for stdin, `name=value`.
pub fn variables(text: &str) -> Result<Vec<(String, String)>, String> {
    if let Some(file) = text.strip_prefix('@') {
        return from_file(Path::new(file));
    }
    let (name, value) = pair(text)?;
    let value = match value.strip_prefix('@') {
        Some(file) => read(Path::new(file))?,
        None => value,
    };
    Ok(vec![(name, value)])
}

fn from_file(path: &Path) -> Result<Vec<(String, String)>, String> {
    parse_variables(path, &read(path)?)
}

fn parse_variables(path: &Path, text: &str) -> Result<Vec<(String, String)>, String> {
    let wrong = |reason: String| format!("`{}`: {reason}", path.display());
    let is_stdin = path == Path::new(STDIN);
    let kind = match path.extension().and_then(|extension| extension.to_str()) {
        None if is_stdin && text.trim_start().starts_with('{') => Some("json"),
        None if is_stdin => Some("toml"),
        extension => extension,
    };
    let values = match kind {
        Some("json") => serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?,
        Some("toml") => {
            let table: toml::Table = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
            serde_json::to_value(table).map_err(|error| wrong(error.to_string()))?
        }
        _ => return Err(wrong("a file of variables ends in .json or .toml".to_owned())),
    };
    let serde_json::Value::Object(values) = values else {
        return Err(wrong("write an object of names and values".to_owned()));
    };
    values
        .into_iter()
        .map(|(name, value)| scalar(&value).map(|value| (name.clone(), value)).ok_or(name))
        .collect::<Result<_, _>>()
        .map_err(|name: String| {
            wrong(format!("`{name}` is a list or a table; a variable is a text, a number, true or false"))
        })
}

fn scalar(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn read(path: &Path) -> Result<String, String> {
    if path == Path::new(STDIN) {
        return std::io::read_to_string(std::io::stdin()).map_err(|error| format!("failed to read stdin: {error}"));
    }
    std::fs::read_to_string(path).map_err(|error| format!("failed to read `{}`: {error}", path.display()))
}

/// `1000000`, `512KiB`, `64MiB`, `1GiB`.
pub fn bytes(text: &str) -> Result<u64, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30)];
    let unit = units.iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, shift)));
    let (number, shift) = unit.unwrap_or((text, &0));
    let number: u64 = number.trim().parse().map_err(|_| "write bytes, or a size like 64MiB".to_owned())?;
    number.checked_mul(1 << shift).filter(|size| *size > 0).ok_or_else(|| "this is no size of a memory".to_owned())
}

/// `30s`, `500ms`, `10us`, `10ns`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1_000_000), ("us", 1_000), ("ns", 1), ("s", 1_000_000_000)];
    let written = units.iter().find_map(|(unit, nanos)| Some((text.strip_suffix(unit)?, *nanos)));
    let parsed = written.and_then(|(number, nanos)| number.trim().parse::<u64>().ok()?.checked_mul(nanos));
    let time = parsed.filter(|nanos| *nanos > 0).map(Duration::from_nanos);
    time.ok_or_else(|| "write a time like 30s or 500ms".to_owned())
}

/// `SQL`, `@file.sql`, `@file.sql:label`. Without a label it is the database `default`.
pub fn sqlite(text: &str) -> Result<SqlitePreset, String> {
    let Some(file) = text.strip_prefix('@') else {
        return Ok(SqlitePreset { label: "default".to_owned(), sql: text.to_owned() });
    };
    let (file, label) = match file.rsplit_once(':') {
        Some((file, label)) if !label.contains('/') => (file, label),
        _ => (file, "default"),
    };
    Ok(SqlitePreset { label: label.to_owned(), sql: read(Path::new(file))? })
}

/// The directory that a configuration of Wasmtime's cache names; its other keys are about a cache that cleans up after itself, which this
/// one need not.
pub fn compiled_dir(file: &str) -> Result<PathBuf, String> {
    let text = read(Path::new(file))?;
    let config: toml::Table = toml::from_str(&text).map_err(|error| format!("`{file}`: {error}"))?;
    let directory = config.get("cache").and_then(|cache| cache.get("directory")).and_then(toml::Value::as_str);
    directory
        .map(PathBuf::from)
        .filter(|directory| directory.is_absolute())
        .ok_or_else(|| format!("`{file}` names no directory; write an absolute path as `directory` in its [cache]"))
}

/// `N`, or `N..M` without M.
pub fn counts(text: &str) -> Result<Range<u32>, String> {
    let count = |text: &str| text.trim().parse::<u32>().ok().filter(|count| *count > 0);
    range(text, count, |count| count.saturating_add(1))
        .ok_or_else(|| "write a number from 1, or a range like 1..10".to_owned())
}

/// `30s`, or `1s..30s` without 30 s.
pub fn durations(text: &str) -> Result<Range<Duration>, String> {
    let time = |text: &str| duration(text.trim()).ok();
    let least = Duration::from_nanos(1);
    range(text, time, |time| time.saturating_add(least))
        .ok_or_else(|| "write a time like 30s or 500ms, or a range like 1s..30s".to_owned())
}

fn range<T: Copy + PartialOrd>(
    text: &str,
    one: impl Fn(&str) -> Option<T>,
    after: impl Fn(T) -> T,
) -> Option<Range<T>> {
    let (start, end) = match text.split_once("..") {
        Some((start, end)) => (one(start)?, one(end)?),
        None => (one(text)?, after(one(text)?)),
    };
    (start < end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stdin_is_json_or_toml() {
        let stdin = Path::new(STDIN);
        let pair = vec![("a".to_owned(), "b".to_owned())];
        assert_eq!(parse_variables(stdin, " {\"a\": \"b\"}"), Ok(pair.clone()));
        assert_eq!(parse_variables(stdin, "a = \"b\"\n"), Ok(pair));
        assert!(parse_variables(stdin, "a").unwrap_err().starts_with("`-`: "));
    }

    #[test]
    fn ranges_are_half_open_and_never_empty() {
        assert_eq!((counts("3"), counts("1..10")), (Ok(3..4), Ok(1..10)));
        let second = Duration::from_secs(1);
        assert_eq!(durations("1s..2s"), Ok(second..2 * second));
        assert!(durations("1s").unwrap().contains(&second));
        for bad in ["", "0", "0..3", "3..3", "5..2", "..", "1..", "1..=2", "-1"] {
            assert!(counts(bad).is_err(), "{bad}");
        }
        for bad in ["1", "2s..1s", "1s..", "..1s"] {
            assert!(durations(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn statements_come_from_the_line_or_from_a_file_for_a_label() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seed.sql");
        std::fs::write(&path, "SELECT 1;").unwrap();
        let preset = |label: &str, sql: &str| Ok(SqlitePreset { label: label.to_owned(), sql: sql.to_owned() });
        assert_eq!(sqlite("CREATE TABLE a (b)"), preset("default", "CREATE TABLE a (b)"));
        assert_eq!(sqlite(&format!("@{}", path.display())), preset("default", "SELECT 1;"));
        assert_eq!(sqlite(&format!("@{}:customer", path.display())), preset("customer", "SELECT 1;"));
        assert!(sqlite("@/nowhere.sql").is_err());
    }

    #[test]
    fn variables_are_written_in_four_ways() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let one = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        assert_eq!(variables("a=b=c").unwrap(), one("a", "b=c"));
        assert_eq!(variables(&format!("a=@{}", at("text", "line\n"))).unwrap(), one("a", "line\n"));
        assert_eq!(variables(&format!("@{}", at("v.json", r#"{"a": 1}"#))).unwrap(), one("a", "1"));
        assert_eq!(variables(&format!("@{}", at("v.toml", "a = true\n"))).unwrap(), one("a", "true"));
        for bad in [
            "a",
            "=b",
            "a=@/nowhere",
            &format!("@{}", at("v.yaml", "a: 1")),
            &format!("@{}", at("l.json", r#"{"a": []}"#)),
        ] {
            assert!(variables(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_cache_configuration_names_a_directory() {
        let folder = tempfile::tempdir().unwrap();
        let directory_in = |text: &str| {
            let path = folder.path().join("cache.toml");
            std::fs::write(&path, text).unwrap();
            compiled_dir(path.to_str().unwrap())
        };
        assert_eq!(directory_in("[cache]\ndirectory = \"/var/cache\"\nworker-threads = 2\n"), Ok("/var/cache".into()));
        for bad in ["", "[cache]\n", "[cache]\ndirectory = \"relative\"\n", "[cache"] {
            assert!(directory_in(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_and_times() {
        assert_eq!((head_size("8192"), head_size("65536")), (Ok(8192), Ok(65536)));
        assert!(head_size("8191").is_err() && head_size("64KiB").is_err() && head_size("999999999").is_err());
        assert_eq!((bytes("1000"), bytes("64MiB")), (Ok(1000), Ok(64 << 20)));
        assert_eq!((duration("30s"), duration("5ms")), (Ok(Duration::from_secs(30)), Ok(Duration::from_millis(5))));
        for bad in ["", "0", "MiB", "-1", "99999999999GiB"] {
            assert!(bytes(bad).is_err(), "{bad}");
        }
        for bad in ["", "5", "s", "0s", "-1s", "99999999999999s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }
}
