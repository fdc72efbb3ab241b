//! The value of every variable, decided once at start.
//!
//! Order: `--variable`, the providers of the runtime config, the environment and `.env`, `tool.kobliat.variables`,
//! generated secrets, the default.

use std::collections::BTreeMap;
use std::sync::Arc;

use kobliat_manifest::{AllowedHosts, Manifest, Template};

use crate::error::Error;
use crate::provider::{self, Source, Sources};
use crate::secrets::SecretsFile;

/// Variable name to value, as one component sees them.
pub type Values = BTreeMap<String, String>;

pub struct Resolver {
    application: Values,
    /// Names of application variables whose values are never shown.
    secret: Vec<String>,
    components: BTreeMap<String, Arc<Values>>,
    generated: Vec<String>,
}

impl Resolver {
    /// Refuses when a required variable has no value, naming all of them. Writes `secrets` when there are some to generate.
    pub fn new(manifest: &Manifest, sources: &Sources, secrets: &SecretsFile) -> Result<Self, Error> {
        refuse_unknown(manifest, sources)?;
        let asked = provider::open(sources)?;
        let mut application = Values::new();
        for (name, variable) in &manifest.variables {
            let value = set_value(manifest, sources, &asked, name).or(variable.default.as_deref());
            application.extend(value.map(|value| (name.clone(), value.to_owned())));
        }
        // Before anything is written: a start that fails must not use up the hint at new secrets.
        refuse_missing(manifest, &application)?;
        let generated = generate(manifest, secrets, &mut application)?;
        let secret = manifest.variables.iter().filter(|(_, variable)| variable.secret);
        let mut resolver = Self {
            secret: secret.map(|(name, _)| name.clone()).collect(),
            application,
            components: BTreeMap::new(),
            generated,
        };
        for component in manifest.components.values() {
            let values = component.variables.iter().map(|(name, template)| (name.clone(), resolver.expand(template)));
            let values = Arc::new(values.collect());
            resolver.components.insert(component.id.clone(), values);
        }
        Ok(resolver)
    }

    /// All variables of a component.
    pub fn component(&self, id: &str) -> Arc<Values> {
        self.components.get(id).cloned().unwrap_or_default()
    }

    pub fn get(&self, component: &str, name: &str) -> Option<&str> {
        self.components.get(component)?.get(name).map(String::as_str)
    }

    /// The template's text with the application's values.
    pub fn expand(&self, template: &Template) -> String {
        let value_of =
            |name: &str| Ok::<_, std::convert::Infallible>(self.application.get(name).cloned().unwrap_or_default());
        match template.expand(value_of) {
            Ok(text) => text,
            Err(impossible) => match impossible {},
        }
    }

    /// An allow-list with its templates expanded. The error names the entry, and its value unless that is secret.
    pub fn allowed_hosts(&self, entries: &[Template]) -> Result<AllowedHosts, String> {
        let mut current = None;
        AllowedHosts::resolve(entries, |entry| {
            current = Some(entry);
            Ok::<_, String>(self.expand(entry))
        })
        .map_err(|reason| self.explain(current, reason))
    }

    fn explain(&self, entry: Option<&Template>, reason: String) -> String {
        match entry {
            Some(entry) if entry.variables().any(|name| self.secret.iter().any(|secret| secret == name)) => {
                format!(
                    "`{entry}` in allowed_outbound_hosts does not become scheme://host[:port]; correct its secret variable"
                )
            }
            Some(entry) if entry.literal().is_none() => format!("`{entry}` in allowed_outbound_hosts: {reason}"),
            _ => reason,
        }
    }

    /// Secrets made just now; their owner may want to see where they are.
    pub fn generated(&self) -> &[String] {
        &self.generated
    }
}

fn refuse_unknown(manifest: &Manifest, sources: &Sources) -> Result<(), Error> {
    let declared = |name: &&String| manifest.variables.contains_key(*name);
    let unknown: Vec<_> = sources.cli.keys().filter(|name| !declared(name)).cloned().collect();
    if unknown.is_empty() { Ok(()) } else { Err(Error::Unknown(unknown)) }
}

fn refuse_missing(manifest: &Manifest, application: &Values) -> Result<(), Error> {
    let has_source =
        |name: &String| application.contains_key(name) || manifest.application.kobliat.generate_secrets.contains(name);
    let missing: Vec<_> = manifest.variables.keys().filter(|name| !has_source(name)).cloned().collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::Missing(missing)) }
}

/// What somebody set: the operator first, then the providers, then our table in the manifest.
fn set_value<'s>(manifest: &'s Manifest, sources: &'s Sources, asked: &'s [Source], name: &str) -> Option<&'s str> {
    let cli = sources.cli.get(name).map(String::as_str);
    let provided = || asked.iter().find_map(|source| source.get(name));
    let overridden = || manifest.application.kobliat.variables.get(name).map(String::as_str);
    cli.or_else(provided).or_else(overridden)
}

/// Fills in the secrets that nobody set, and answers which of them are new. An empty secret would open every door, so
/// it counts as not set.
fn generate(manifest: &Manifest, file: &SecretsFile, application: &mut Values) -> Result<Vec<String>, Error> {
    let asked = manifest.application.kobliat.generate_secrets.iter();
    let unset: Vec<String> = asked.filter(|name| has_no_text(application, name)).cloned().collect();
    if unset.is_empty() {
        return Ok(Vec::new());
    }
    let mut secrets = file.read()?;
    let fresh: Vec<String> = unset.iter().filter(|name| has_no_text(&secrets, name)).cloned().collect();
    if !fresh.is_empty() {
        secrets = file.add(&fresh)?;
    }
    for name in unset {
        application.extend(secrets.remove(&name).map(|secret| (name, secret)));
    }
    Ok(fresh)
}

fn has_no_text(values: &Values, name: &str) -> bool {
    values.get(name).is_none_or(String::is_empty)
}

#[cfg(test)]
mod tests;
