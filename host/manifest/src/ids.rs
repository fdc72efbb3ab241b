//! Names: component ids are kebab-case, variables are lower_snake_case, labels are either.

/// Spin's KebabId: words separated by `-`, each starts with a letter, each all lower or all upper case.
pub(crate) fn component_id(text: &str) -> Result<String, String> {
    if is_words(text, '-') {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is no component id; write kebab-case, like `order-history`"))
}

/// Whether a variable could be called so: lower_snake_case.
pub fn is_variable_name(text: &str) -> bool {
    is_words(text, '_') && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

pub(crate) fn variable_name(text: &str) -> Result<String, String> {
    if is_variable_name(text) {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is no variable name; write lower_snake_case, like `api_token`"))
}

/// The name of a store or database, bound to a backend by the runtime config.
pub(crate) fn label(text: &str) -> Result<String, String> {
    if is_words(text, '-') || is_words(text, '_') {
        return Ok(text.to_owned());
    }
    Err(format!("`{text}` is no label; write kebab-case or snake_case, like `order-history`"))
}

pub(crate) fn is_kebab(text: &str) -> bool {
    is_words(text, '-')
}

fn is_words(text: &str, separator: char) -> bool {
    text.split(separator).all(is_word)
}

fn is_word(word: &str) -> bool {
    let one_case = !(word.bytes().any(|b| b.is_ascii_lowercase()) && word.bytes().any(|b| b.is_ascii_uppercase()));
    word.starts_with(|first: char| first.is_ascii_alphabetic())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && one_case
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn component_ids_are_kebab() {
        for good in ["web", "api-gateway", "a1-b2", "HTTP-server"] {
            assert_eq!(component_id(good).as_deref(), Ok(good));
        }
        for bad in ["", "api_gateway", "-a", "a-", "a--b", "1a", "a-1", "Web", "ä"] {
            assert!(component_id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn variables_are_lower_snake() {
        assert!(variable_name("api_token2").is_ok());
        for bad in ["", "api-token", "Api", "API", "_a", "a__b"] {
            assert!(variable_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn labels_are_either() {
        assert!(label("order-history").is_ok() && label("order_history").is_ok());
        assert!(label("order-history_x").is_err() && label("a b").is_err());
    }
}
