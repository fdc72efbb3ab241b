//! JSON bodies: every field is asked for by name, everything wrong is told at once, and what nobody asked for is refused.
//!
//! ```
//! let new = sdk::Input::decode(br#"{"name":" Ada "}"#, |input| input.required_text("name", 255)).unwrap();
//! assert_eq!(new, "Ada");
//! ```

use serde_json::{Map, Value};

use crate::{
    clock::{Micros, parse_rfc3339},
    ids,
    problem::{FieldError, Problem},
};

/// The fields of a JSON object. What is read stands in for the real value until [`Input::decode`] has seen that no error was found.
pub struct Input {
    fields: Map<String, Value>,
    /// The pointer of the object itself: empty for the body.
    at: String,
    errors: Vec<FieldError>,
}

impl Input {
    /// 400 for what is no JSON or no UTF-8; 422 for every wrong, missing or unknown field.
    pub fn decode<T>(body: &[u8], read: impl FnOnce(&mut Input) -> T) -> Result<T, Problem> {
        let text = std::str::from_utf8(body).map_err(|_| Problem::unreadable("the body is not UTF-8"))?;
        let value: Value = serde_json::from_str(text).map_err(|e| {
            Problem::unreadable(format!("the body is not JSON (line {}, column {})", e.line(), e.column()))
        })?;
        let Value::Object(fields) = value else {
            return Err(Problem::invalid_field("", "must be a JSON object"));
        };
        let mut input = Self { fields, at: String::new(), errors: Vec::new() };
        let read = read(&mut input);
        input.refuse_unknown();
        if input.errors.is_empty() { Ok(read) } else { Err(Problem::invalid(input.errors)) }
    }

    /// A trimmed text of 1 to `max` characters, counted before it is trimmed.
    pub fn required_text(&mut self, name: &str, max: usize) -> String {
        match self.text(name, max) {
            Some(text) => text,
            None => self.missing(name),
        }
    }

    /// A trimmed text of at most `max` characters, counted before it is trimmed; null and empty count as absent.
    pub fn text(&mut self, name: &str, max: usize) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => self.check_text(name, &text, max).filter(|text| !text.is_empty()),
            _ => self.wrong(name, "must be a string"),
        }
    }

    /// Like [`Self::text`] for a field of a change: absent it stays as it is, null or empty takes it away (`Some(None)`).
    pub fn changed_text(&mut self, name: &str, max: usize) -> Option<Option<String>> {
        self.fields.contains_key(name).then(|| self.text(name, max))
    }

    /// Like [`Self::text`], and one of the words that `parse` knows.
    pub fn choice<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Option<T>, known: &str) -> Option<T> {
        let word = self.text(name, 64)?;
        let choice = parse(&word);
        if choice.is_some() { choice } else { self.wrong(name, &format!("must be one of {known}")) }
    }

    pub fn id(&mut self, name: &str) -> Option<String> {
        let text = self.text(name, 64)?;
        let id = ids::parse(&text);
        if id.is_some() { id } else { self.wrong(name, "must be a UUID") }
    }

    pub fn required_id(&mut self, name: &str) -> String {
        let absent = !self.has(name);
        match self.id(name) {
            Some(id) => id,
            None if absent => self.missing(name),
            None => String::new(),
        }
    }

    /// A list of at most `max` texts.
    pub fn texts(&mut self, name: &str, max: usize) -> Option<Vec<String>> {
        let Value::Array(items) = self.take(name)? else { return self.wrong(name, "must be a list of strings") };
        if items.len() > max {
            return self.wrong(name, &format!("must have at most {max} items"));
        }
        let mut texts = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let at = format!("{name}/{index}");
            match item {
                Value::String(text) => texts.push(self.check_text(&at, &text, 1024)?),
                _ => return self.wrong(&at, "must be a string"),
            }
        }
        Some(texts)
    }

    /// A JSON object, as compact text; `{}` when absent.
    pub fn object(&mut self, name: &str) -> String {
        match self.optional_object(name) {
            Some(text) => text,
            None => "{}".to_owned(),
        }
    }

    pub fn optional_object(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            value @ Value::Object(_) => Some(value.to_string()),
            _ => self.wrong(name, "must be an object"),
        }
    }

    /// RFC 3339, any offset.
    pub fn time(&mut self, name: &str) -> Option<Micros> {
        let text = self.text(name, 64)?;
        let time = parse_rfc3339(&text);
        if time.is_some() { time } else { self.wrong(name, "must be an RFC 3339 time") }
    }

    pub fn boolean(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(value) => Some(value),
            _ => self.wrong(name, "must be true or false"),
        }
    }

    pub fn integer(&mut self, name: &str) -> Option<i64> {
        let value = self.take(name)?;
        let number = value.as_i64();
        if number.is_some() { number } else { self.wrong(name, "must be an integer") }
    }

    pub fn number(&mut self, name: &str) -> Option<f64> {
        let value = self.take(name)?;
        let number = value.as_f64();
        if number.is_some() { number } else { self.wrong(name, "must be a number") }
    }

    /// Whether the field is there and not null. Ask before reading it.
    pub fn has(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(|value| !value.is_null())
    }

    /// Whether the field is there and null, for fields where null says something.
    pub fn is_null(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(Value::is_null)
    }

    /// Records what a rule over several fields found; without a name, at the object itself.
    pub fn refuse(&mut self, name: &str, detail: &str) {
        let pointer = if name.is_empty() { self.at.clone() } else { format!("{}/{name}", self.at) };
        self.errors.push(FieldError { pointer, detail: detail.to_owned() });
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.remove(name).filter(|value| !value.is_null())
    }

    fn wrong<T>(&mut self, name: &str, detail: &str) -> Option<T> {
        self.refuse(name, detail);
        None
    }

    /// Once per field: a value that was wrong is not missing as well.
    fn missing(&mut self, name: &str) -> String {
        let pointer = format!("{}/{name}", self.at);
        if !self.errors.iter().any(|error| error.pointer == pointer) {
            self.refuse(name, "is required");
        }
        String::new()
    }

    fn check_text(&mut self, name: &str, text: &str, max: usize) -> Option<String> {
        // As it was sent, blanks and all: so the API's document counts, and whoever checks by it is told the same here.
        if text.chars().count() > max {
            return self.wrong(name, &format!("must have at most {max} characters"));
        }
        let text = text.trim();
        // Not every database can hold it, and no human types it.
        if text.contains('\0') {
            return self.wrong(name, "must not contain NUL");
        }
        Some(text.to_owned())
    }

    fn refuse_unknown(&mut self) {
        let unknown: Vec<String> = self.fields.keys().take(20).cloned().collect();
        for name in unknown {
            let name = name.replace('~', "~0").replace('/', "~1"); // RFC 6901
            self.refuse(&name, "is not a known field");
        }
    }
}

/// Whether a text from a typed call is a JSON object that every reader reads alike, without building it.
pub fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && crate::strict::check(text).is_ok()
}
