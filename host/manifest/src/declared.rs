//! The names that a manifest declares, for the checks of those that use them.

use std::collections::{BTreeMap, BTreeSet};

use crate::limits::Limits;
use crate::nearest::did_you_mean;
use crate::reader::Field;
use crate::template::Template;
use crate::variable::Variable;

pub(crate) struct Declared {
    pub variables: BTreeMap<String, Variable>,
    /// Those of `[component.<id>]`; inline components have no name that others could use.
    pub components: BTreeSet<String>,
    /// The application's own, which every component begins with.
    pub limits: Limits,
}

impl Declared {
    /// A string with `{{ variable }}` holes, all of them declared.
    pub fn template(&self, field: &Field) -> Option<Template> {
        let template = field.parsed(Template::parse)?;
        for name in template.variables().filter(|name| !self.variables.contains_key(*name)) {
            let hint = did_you_mean(name, self.variables.keys().map(String::as_str));
            field.error(format!(
                "variable `{name}` is not declared; add `{name} = {{ required = true }}` to [variables]{hint}"
            ));
        }
        Some(template)
    }

    /// The id of a declared component.
    pub fn component(&self, field: &Field) -> Option<String> {
        let id = field.str()?;
        if !self.components.contains(id) {
            let hint = did_you_mean(id, self.components.iter().map(String::as_str));
            field.error(format!("there is no component `{id}`; add [component.{id}]{hint}"));
        }
        Some(id.to_owned())
    }
}
