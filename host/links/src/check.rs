//! Compares what an importer expects with what an exporter has, interface by interface, before either runs.

use crate::types::{obstacle, show};
use wasmtime::Engine;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, Type};

/// What a link needs to know of one interface.
#[derive(Clone)]
pub struct LinkPlan {
    pub interface: String,
    pub functions: Vec<LinkedFunction>,
}

#[derive(Clone)]
pub struct LinkedFunction {
    pub name: String,
    /// Where the exporter has it.
    pub export: ComponentExportIndex,
    /// The position of `deadline-ms` in the record that is the first parameter, where there is one.
    pub deadline_field: Option<usize>,
    /// The position of `traceparent` in that record.
    pub trace_field: Option<usize>,
}

/// Why two components can not be linked. Each says what to change, and where.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error("the component does not import `{0}`")]
    NotImported(String),
    #[error("it does not export `{0}`")]
    NotExported(String),
    #[error("{function}: it does not export this function")]
    MissingFunction { function: String },
    #[error(
        "{function}: {what} is {obstacle}, which can not cross a link; compose the dependency instead (remove its line from `links`)"
    )]
    NotPortable { function: String, what: String, obstacle: &'static str },
    #[error("{function}: links need `async func`; compose the dependency instead (remove its line from `links`)")]
    NotAsync { function: String },
    #[error("{function}: the importer expects {expected}, the exporter has {found}")]
    Differs { function: String, expected: String, found: String },
    #[error(
        "{function}: its result has no error case `unavailable(string)`, by which a caller learns that the callee is down; compose the dependency instead (remove its line from `links`)"
    )]
    NoUnavailable { function: String },
    #[error("{function}: the interface exports {what}, and only functions and plain types can cross a link")]
    NotAFunction { function: String, what: &'static str },
}

/// Checks that `exporter` offers every function of `interface` that `importer` needs, with the same types.
pub fn check(
    engine: &Engine,
    importer: &Component,
    exporter: &Component,
    interface: &str,
) -> Result<LinkPlan, CheckError> {
    let importer_type = importer.component_type();
    let Some(ComponentItem::ComponentInstance(wanted)) =
        importer_type.get_import(engine, interface).map(|item| item.ty)
    else {
        return Err(CheckError::NotImported(interface.into()));
    };
    let Some((ComponentItem::ComponentInstance(offered), export)) = exporter.get_export(None, interface) else {
        return Err(CheckError::NotExported(interface.into()));
    };
    let mut functions = Vec::new();
    for (name, item) in wanted.exports(engine) {
        let function = format!("{interface}#{name}");
        let expected = match item.ty {
            ComponentItem::ComponentFunc(expected) => expected,
            ComponentItem::Type(_) => continue,
            ComponentItem::Resource(_) => return Err(CheckError::NotAFunction { function, what: "a resource" }),
            _ => return Err(CheckError::NotAFunction { function, what: "something else" }),
        };
        let found = match offered.get_export(engine, name).map(|item| item.ty) {
            Some(ComponentItem::ComponentFunc(found)) => found,
            _ => return Err(CheckError::MissingFunction { function }),
        };
        let context = compare(&function, &expected, &found)?;
        let index = exporter.get_export_index(Some(&export), name);
        let export = index.ok_or(CheckError::MissingFunction { function })?;
        functions.push(LinkedFunction {
            name: name.into(),
            export,
            deadline_field: context.deadline,
            trace_field: context.trace,
        });
    }
    Ok(LinkPlan { interface: interface.into(), functions })
}

/// What the host itself fills in of the record that is the first parameter.
#[derive(Default)]
struct ContextFields {
    deadline: Option<usize>,
    trace: Option<usize>,
}

/// Answers where those fields are.
fn compare(function: &str, expected: &ComponentFunc, found: &ComponentFunc) -> Result<ContextFields, CheckError> {
    if !expected.async_() || !found.async_() {
        return Err(CheckError::NotAsync { function: function.into() });
    }
    // `Type ==` panics on resources of components that are not instantiated, so these are refused before.
    for (name, ty) in expected.params().chain(found.params()) {
        portable(function, &format!("parameter `{name}`"), &ty)?;
    }
    for ty in expected.results().chain(found.results()) {
        portable(function, "the result", &ty)?;
    }
    let same = expected.params().eq(found.params()) && expected.results().eq(found.results());
    if !same {
        return Err(CheckError::Differs {
            function: function.into(),
            expected: signature(expected),
            found: signature(found),
        });
    }
    if !answers_unavailable(expected) {
        return Err(CheckError::NoUnavailable { function: function.into() });
    }
    Ok(expected.params().next().map(|(_, ty)| context_fields(&ty)).unwrap_or_default())
}

fn portable(function: &str, what: &str, ty: &Type) -> Result<(), CheckError> {
    match obstacle(ty) {
        None => Ok(()),
        Some(obstacle) => Err(CheckError::NotPortable { function: function.into(), what: what.into(), obstacle }),
    }
}

fn signature(function: &ComponentFunc) -> String {
    let params: Vec<String> = function.params().map(|(name, ty)| format!("{name}: {}", show(&ty))).collect();
    let results: Vec<String> = function.results().map(|ty| show(&ty)).collect();
    format!("`func({}) -> {}`", params.join(", "), results.join(", "))
}

fn answers_unavailable(function: &ComponentFunc) -> bool {
    let mut results = function.results();
    let (Some(Type::Result(result)), None) = (results.next(), results.next()) else { return false };
    let Some(Type::Variant(error)) = result.err() else { return false };
    error.cases().any(|case| case.name == "unavailable" && case.ty == Some(Type::String))
}

fn context_fields(ty: &Type) -> ContextFields {
    let Type::Record(record) = ty else { return ContextFields::default() };
    ContextFields {
        deadline: record.fields().position(|field| field.name == "deadline-ms" && field.ty == Type::U32),
        trace: record.fields().position(|field| field.name == "traceparent" && field.ty == Type::String),
    }
}
