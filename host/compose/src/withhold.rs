//! What a dependency or a layer may not use of its depender's: a component made for it answers those imports, each function with
//! the interface's own error. An environment or a list of directories is empty; where there is no way to say no, the call traps.

#![expect(clippy::indexing_slicing, reason = "the ids of a `Resolve` index the arenas that they are from")]

mod adapter;
mod answer;
mod owned;

use crate::ComposeError;
use crate::graph::{Composer, world};

/// The host's interface by which a denial gets into the log: `denied: func(sentence: string)`.
pub const DENIALS: &str = "kobliat:host/denials@0.1.0";

/// The component without the imports for which `denied` has a sentence, which says what is denied and how to allow it.
/// `what` names the component in errors.
pub fn withhold(
    what: &str,
    component: Vec<u8>,
    denied: impl Fn(&str) -> Option<String>,
) -> Result<Vec<u8>, ComposeError> {
    let imports = world(what, &component)?.imports;
    let denials: Vec<_> = imports.into_iter().filter_map(|name| Some((denied(&name)?, name))).collect();
    if denials.is_empty() {
        return Ok(component);
    }
    let refuse = |reason: String| ComposeError::Withhold { what: what.to_owned(), reason };
    let denials: Vec<_> = denials.into_iter().map(|(sentence, name)| adapter::Denial { name, sentence }).collect();
    let adapter = adapter::build(&component, &denials).map_err(|error| refuse(format!("{error:#}")))?;
    let names: Vec<String> = denials.into_iter().map(|denial| denial.name).collect();
    Composer::new(what, &component)?.answer(&names, &adapter).map_err(|error| refuse(error.to_string()))
}
