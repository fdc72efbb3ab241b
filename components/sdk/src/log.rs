//! Structured logging: one JSON line on stderr, which the host keeps as the component's log.
//!
//! Ids and reasons only: never bodies, tokens, names or phone numbers.

use std::{fmt::Display, io::Write};

use serde_json::{Map, Value};

use crate::{
    Context,
    clock::{Clock, SystemClock, rfc3339},
};

/// Fields of a line, beside the request's own.
pub type Fields<'a> = &'a [(&'a str, &'a dyn Display)];

pub fn info(context: &Context, message: &str, fields: Fields<'_>) {
    write("info", context, message, fields);
}

pub fn warn(context: &Context, message: &str, fields: Fields<'_>) {
    write("warn", context, message, fields);
}

pub fn error(context: &Context, message: &str, fields: Fields<'_>) {
    write("error", context, message, fields);
}

fn write(level: &str, context: &Context, message: &str, fields: Fields<'_>) {
    let mut line = Map::new();
    let mut put = |name: &str, value: String| {
        if !value.is_empty() {
            line.insert(name.to_owned(), Value::String(value));
        }
    };
    put("time", rfc3339(SystemClock.now()));
    put("level", level.to_owned());
    put("message", message.to_owned());
    put("request_id", context.request_id.clone());
    put("tenant", context.tenant.clone());
    for (name, value) in fields {
        put(name, value.to_string());
    }
    let mut line = Value::Object(line).to_string();
    line.push('\n');
    // One write is one call to the host. A log that cannot be written must not fail the request.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
