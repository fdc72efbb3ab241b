//! Reading typed values out of parsed TOML: every mismatch is reported with its position, and reading goes on.

use std::cell::RefCell;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::errors::Sink;
use crate::nearest::did_you_mean;

/// A table whose keys are taken one by one; `finish` reports those that nobody took.
pub(crate) struct Table<'a> {
    /// As the author finds it: `[component.customer]`.
    pub title: String,
    pub span: Range<usize>,
    entries: &'a DeTable<'a>,
    sink: &'a Sink,
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Table<'a> {
    pub fn root(entries: &'a DeTable<'a>, sink: &'a Sink) -> Self {
        Self { title: String::new(), span: 0..0, entries, sink, known: RefCell::default() }
    }

    pub fn optional(&self, key: &'static str) -> Option<Field<'a>> {
        self.known.borrow_mut().push(key);
        let (name, value) = self.entries.get_key_value(key)?;
        Some(self.field(name.span(), key, value))
    }

    /// Reports the key when it is missing; `example` is what to add.
    pub fn required(&self, key: &'static str, example: &str) -> Option<Field<'a>> {
        let field = self.optional(key);
        if field.is_none() {
            let place = if self.title.is_empty() { "the top of the file" } else { &self.title };
            self.error(format!("`{key}` is missing; add `{example}` to {place}"));
        }
        field
    }

    /// All entries, for tables whose keys are the author's names.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, Field<'a>)> + '_ {
        self.entries.iter().map(|(name, value)| {
            let key: &'a str = name.get_ref();
            (key, self.field(name.span(), key, value))
        })
    }

    /// Reports the keys that are in the file but mean nothing here.
    pub fn finish(&self) {
        let known = self.known.borrow();
        for (key, field) in self.entries() {
            if !known.contains(&key) {
                let hint = did_you_mean(key, known.iter().copied());
                let place = if self.title.is_empty() { "a Spin manifest" } else { &self.title };
                field.key_error(format!("`{key}` is not a key of {place}{hint}"));
            }
        }
    }

    pub fn error(&self, message: impl Into<String>) {
        self.sink.add(self.span.clone(), message);
    }

    fn field(&self, key_span: Range<usize>, key: &str, value: &'a Spanned<DeValue<'a>>) -> Field<'a> {
        Field { title: child_title(&self.title, key), name: key.to_owned(), key_span, value, sink: self.sink }
    }
}

/// A value and where it stands.
pub(crate) struct Field<'a> {
    /// `[component.customer.tick]`: the title it has if it is a table.
    title: String,
    /// The key, or that of the list whose item it is.
    name: String,
    pub key_span: Range<usize>,
    value: &'a Spanned<DeValue<'a>>,
    sink: &'a Sink,
}

impl<'a> Field<'a> {
    pub fn error(&self, message: impl Into<String>) {
        self.sink.add(self.value.span(), message);
    }

    pub fn key_error(&self, message: impl Into<String>) {
        self.sink.add(self.key_span.clone(), message);
    }

    pub fn is_string(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::String(_))
    }

    pub fn is_bool(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Boolean(_))
    }

    pub fn is_table(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Table(_))
    }

    pub fn is_array(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Array(_))
    }

    pub fn str(&self) -> Option<&'a str> {
        match self.value.get_ref() {
            DeValue::String(text) => Some(text),
            _ => self.mismatch("a string"),
        }
    }

    pub fn string(&self) -> Option<String> {
        self.str().map(str::to_owned)
    }

    /// The string, understood by `parse`, whose refusal is reported.
    pub fn parsed<T>(&self, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        parse(self.str()?).map_err(|message| self.error(message)).ok()
    }

    pub fn bool(&self) -> Option<bool> {
        match self.value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            _ => self.mismatch("true or false"),
        }
    }

    /// A whole number within `range`; underscores and other radixes are TOML's business.
    pub fn integer(&self, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let DeValue::Integer(integer) = self.value.get_ref() else { return self.mismatch("a whole number") };
        match u64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(value) if range.contains(&value) => Some(value),
            _ => {
                let (least, most) = (range.start(), range.end());
                self.error(format!("`{}` cannot be {integer}; write a number from {least} to {most}", self.name));
                None
            }
        }
    }

    pub fn table(&self) -> Option<Table<'a>> {
        self.table_as("a table")
    }

    /// For what could have been a string just as well.
    pub fn table_or_string(&self) -> Option<Table<'a>> {
        self.table_as("a string or a table")
    }

    fn table_as(&self, wanted: &str) -> Option<Table<'a>> {
        match self.value.get_ref() {
            DeValue::Table(entries) => Some(Table {
                title: self.title.clone(),
                // The key, because an implicit table (`[a.b]` makes `a`) has no text of its own.
                span: self.key_span.clone(),
                entries,
                sink: self.sink,
                known: RefCell::default(),
            }),
            _ => self.mismatch(wanted),
        }
    }

    /// The items of an array; nothing, and an error, when it is none.
    pub fn items(&self) -> Vec<Field<'a>> {
        let DeValue::Array(array) = self.value.get_ref() else {
            self.mismatch::<()>("a list");
            return Vec::new();
        };
        let title = if self.title.starts_with('[') { format!("[{}]", self.title) } else { self.title.clone() };
        let item = |value: &'a Spanned<DeValue<'a>>| Field {
            title: title.clone(),
            name: self.name.clone(),
            key_span: value.span(),
            value,
            sink: self.sink,
        };
        array.iter().map(item).collect()
    }

    pub fn strings(&self) -> Vec<String> {
        self.items().iter().filter_map(Field::string).collect()
    }

    /// A list of names, each understood by `parse` and named once.
    pub fn parsed_list<T: PartialEq>(&self, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let mut list = Vec::new();
        for item in self.items() {
            match item.parsed(&parse) {
                Some(value) if list.contains(&value) => item.error("this is listed twice; remove one"),
                Some(value) => list.push(value),
                None => {}
            }
        }
        list
    }

    fn mismatch<T>(&self, wanted: &str) -> Option<T> {
        let found = match self.value.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number with a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let hint = match (wanted, found) {
            ("a string", "a list" | "a table") => "",
            ("a string", _) => "; put it in quotes",
            ("a list", _) => "; put it in brackets",
            ("true or false", "a string") => "; leave out the quotes",
            _ => "",
        };
        self.error(format!("`{}` must be {wanted}, not {found}{hint}", self.name));
        None
    }
}

/// `[a]` + `b` = `[a.b]`; inside a list's item, which has no header of its own, "`b` of [[a]]".
fn child_title(parent: &str, key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let key = if bare { key.to_owned() } else { format!("\"{key}\"") };
    if parent.is_empty() {
        return format!("[{key}]");
    }
    match parent.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) if !inner.starts_with('[') => format!("[{inner}.{key}]"),
        _ => format!("`{key}` of {parent}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_read_like_the_file() {
        assert_eq!(child_title("", "component"), "[component]");
        assert_eq!(child_title("[component]", "a-b"), "[component.a-b]");
        assert_eq!(child_title("[links]", "a:b/c@1"), "[links.\"a:b/c@1\"]");
        assert_eq!(child_title("[[trigger.http]]", "executor"), "`executor` of [[trigger.http]]");
    }
}
