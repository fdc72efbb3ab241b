//! `[variables]`: what the operator may or must set.

use std::collections::BTreeMap;

use crate::ids;
use crate::reader::{Field, Table};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The value when nobody sets one; `None` means that somebody must.
    pub default: Option<String>,
    /// Never shown in logs or listings.
    pub secret: bool,
    pub description: Option<String>,
}

impl Variable {
    pub fn is_required(&self) -> bool {
        self.default.is_none()
    }
}

pub(crate) fn read_variables(root: &Table) -> BTreeMap<String, Variable> {
    let mut variables = BTreeMap::new();
    let Some(table) = root.optional("variables").and_then(|field| field.table()) else { return variables };
    for (name, field) in table.entries() {
        if let Err(message) = ids::variable_name(name) {
            field.key_error(message);
        }
        // Kept even when it is wrong: its users need no second complaint.
        variables.insert(name.to_owned(), read_variable(name, &field));
    }
    variables
}

fn read_variable(name: &str, field: &Field) -> Variable {
    let Some(table) = field.table() else { return Variable { default: None, secret: false, description: None } };
    let required = table.optional("required").and_then(|field| field.bool()).unwrap_or(false);
    let default = table.optional("default");
    if required == default.is_some() {
        field.key_error(format!(
            "variable `{name}` must have exactly one of `required = true` and `default = \"…\"`; {} one of them",
            if required { "remove" } else { "add" }
        ));
    }
    let variable = Variable {
        default: default.and_then(|field| field.string()),
        secret: table.optional("secret").and_then(|field| field.bool()).unwrap_or(false),
        description: table.optional("description").and_then(|field| field.string()),
    };
    table.finish();
    variable
}
