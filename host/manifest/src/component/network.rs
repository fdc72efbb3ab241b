//! `allowed_outbound_hosts`, and the deprecated `allowed_http_hosts` in its terms.

use crate::allowed_hosts::AllowedHost;
use crate::declared::Declared;
use crate::reader::{Field, Table};
use crate::template::{Part, Template};

pub(super) fn read_hosts(table: &Table, declared: &Declared) -> Vec<Template> {
    let mut hosts = Vec::new();
    if let Some(field) = table.optional("allowed_outbound_hosts") {
        hosts.extend(field.items().iter().filter_map(|item| read_host(item, declared)));
    }
    if let Some(field) = table.optional("allowed_http_hosts") {
        hosts.extend(field.items().iter().flat_map(read_http_host));
    }
    hosts
}

/// Literal entries are checked here, templates when they are expanded.
fn read_host(field: &Field, declared: &Declared) -> Option<Template> {
    let template = declared.template(field)?;
    if let Some(text) = template.literal() {
        field.parsed(|_| AllowedHost::parse(text))?;
    } else if template.parts().iter().any(names_the_platform) {
        field.error("a template never grants a host under `kobliat.internal`; write its whole name");
    }
    Some(template)
}

fn names_the_platform(part: &Part) -> bool {
    matches!(part, Part::Literal(text) if text.contains(".kobliat.internal"))
}

/// A host without a scheme means both of HTTP's.
fn read_http_host(field: &Field) -> Vec<Template> {
    let Some(text) = field.str() else { return Vec::new() };
    let entries = match text.split_once("://") {
        _ if text == "insecure:allow-all" => ["http://*:*", "https://*:*", "http://self"].map(str::to_owned).to_vec(),
        Some(_) => vec![text.to_owned()],
        None => vec![format!("http://{text}"), format!("https://{text}")],
    };
    let check = |entry: &String| AllowedHost::parse(entry).and_then(|_| Template::parse(entry));
    match entries.iter().map(check).collect() {
        Ok(templates) => templates,
        Err(message) => {
            field.error(message);
            Vec::new()
        }
    }
}
