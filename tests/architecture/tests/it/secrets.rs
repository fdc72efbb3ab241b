//! Secrets are compared in constant time: `==` stops at the first difference, and the time tells how far a guess was right.

use kobliat_architecture::{crates_in, files, shown, text};

/// What a secret, or what vouches for somebody, is called.
const SECRETS: [&str; 13] = [
    "secret",
    "signature",
    "sig",
    "token",
    "tokens",
    "digest",
    "password",
    "hmac",
    "mac",
    "hash",
    "credential",
    "authorization",
    "bearer",
];

/// Comparisons of what only sounds like a secret: part of the file's name, part of the line, and why it may be.
const ALLOWED: &[(&str, &str, &str)] = &[
    ("api-gateway/src/limits.rs", "tokens == 0", "a count of requests"),
    ("sdk/src/idempotency.rs", "hash != key.payload_hash", "a fingerprint of the caller's own request"),
    ("factor-variables/src/resolver.rs", "secret == name", "a variable's name"),
    ("runtime/src/lifecycle/", "igest", "a fingerprint of a component, which everybody may know"),
];

/// The name that an operand ends with: `row.password_hash` → `password_hash`. A call's result is no secret by its name.
fn name(operand: &str) -> &str {
    let operand = operand.trim_end_matches([')', ',', ';']);
    let start = operand.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    operand.get(start..).unwrap_or_default()
}

fn is_secret(operand: &str) -> bool {
    name(operand).to_ascii_lowercase().split('_').any(|word| SECRETS.contains(&word))
}

/// The operands of the comparisons in a line of code.
fn comparisons(line: &str) -> Vec<(String, String)> {
    let code = without_strings(line);
    let mut found = Vec::new();
    for operator in [" == ", " != "] {
        for (at, _) in code.match_indices(operator) {
            let (before, after) =
                (code.get(..at).unwrap_or_default(), code.get(at + operator.len()..).unwrap_or_default());
            let left = before.split([' ', '(']).next_back().unwrap_or_default();
            let right = after.split(' ').next().unwrap_or_default();
            found.push((left.to_owned(), right.to_owned()));
        }
    }
    found
}

fn without_strings(line: &str) -> String {
    let code = line.split("//").next().unwrap_or_default();
    code.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

fn compares_a_secret(line: &str) -> bool {
    comparisons(line).iter().any(|(left, right)| is_secret(left) || is_secret(right))
}

#[test]
fn the_lint_knows_a_comparison_when_it_sees_one() {
    for line in [
        "if given == secret {",
        "if request.signature != expected { return }",
        "found.filter(|row| row.password_hash == hash)",
        "Some(value) if token == value => Ok(()),",
        "assert(*app_secret == given)",
    ] {
        assert!(compares_a_secret(line), "{line}");
    }
    for line in [
        "if name == \"secret\" {",
        "token.filter(|token| token.tenant == client.tenant)",
        "let is_hex = hash.len() == 64;",
        "// signature == expected",
    ] {
        assert!(!compares_a_secret(line), "{line}");
    }
}

#[test]
fn secrets_are_compared_in_constant_time() {
    let sources =
        ["components", "host"].into_iter().flat_map(crates_in).flat_map(|it| files(&it.folder.join("src"), "rs"));
    let mut wrong = Vec::new();
    for path in sources {
        let (file, content) = (shown(&path), text(&path));
        // Tests beside the code compare what they have made themselves.
        let code = content.split("#[cfg(test)]").next().unwrap_or_default();
        for (number, line) in code.lines().enumerate().filter(|(_, line)| compares_a_secret(line)) {
            let is_allowed = ALLOWED.iter().any(|(name, part, _)| file.contains(name) && line.contains(part));
            if !is_allowed && !file.ends_with("/tests.rs") {
                wrong.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "compare in constant time (`verify_slice`, `ct_eq`, hashes with `KeyHash::matches`), or add the line to ALLOWED with its reason: {wrong:#?}"
    );
}
