//! Text with `{{ variable }}` holes, as component variables and allow-lists use it.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Literal(String),
    /// An application variable's name.
    Variable(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

impl Template {
    /// Refuses a `{{` without its `}}` and a name that no variable can have.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, opened)) = rest.split_once("{{") {
            let Some((name, after)) = opened.split_once("}}") else {
                return Err(format!("`{{{{` without its `}}}}` in \"{text}\"; close it, like `{{{{ name }}}}`"));
            };
            push_literal(&mut parts, literal);
            parts.push(Part::Variable(crate::ids::variable_name(name.trim())?));
            rest = after;
        }
        push_literal(&mut parts, rest);
        Ok(Self { parts })
    }

    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The application variables it needs.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// Its text, when it needs no variable.
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The text with every variable replaced; the first name that `value_of` cannot answer decides the error.
    pub fn expand<E>(&self, mut value_of: impl FnMut(&str) -> Result<String, E>) -> Result<String, E> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Variable(name) => text.push_str(&value_of(name)?),
            }
        }
        Ok(text)
    }
}

fn push_literal(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Literal(text.to_owned()));
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Literal(text) => f.write_str(text),
            Part::Variable(name) => write!(f, "{{{{ {name} }}}}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_variables_and_keeps_the_rest() {
        let template = Template::parse("https://{{host}}:{{ port }}/x").unwrap();
        let text = template.expand(|name| Ok::<_, ()>(name.to_uppercase()));
        assert_eq!(text.as_deref(), Ok("https://HOST:PORT/x"));
        assert_eq!(template.variables().collect::<Vec<_>>(), ["host", "port"]);
        assert_eq!(template.to_string(), "https://{{ host }}:{{ port }}/x");
    }

    #[test]
    fn text_without_holes_is_literal() {
        assert_eq!(Template::parse("a } b { c }}").unwrap().literal(), Some("a } b { c }}"));
        assert_eq!(Template::parse("").unwrap().literal(), Some(""));
        assert_eq!(Template::parse("{{ a }}").unwrap().literal(), None);
    }

    #[test]
    fn refuses_an_open_hole_and_a_bad_name() {
        assert!(Template::parse("x {{ a").unwrap_err().contains("without its"));
        assert!(Template::parse("{{ a-b }}").unwrap_err().contains("no variable name"));
        assert!(Template::parse("{{}}").is_err());
    }
}
