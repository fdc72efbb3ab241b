//! Why a component can not be linked, in words: which interface is missing, and what to do about it.

use wasmtime::Engine;
use wasmtime::component::Component;

/// Interfaces of Spin that this host does not have, by the beginning of their names, and what to do instead.
const MISSING: [(&str, &str); 14] = [
    ("spin:redis/", "run a component that needs Redis with `spin up`, or keep the data in a key-value store"),
    ("fermyon:spin/redis", "run a component that needs Redis with `spin up`, or keep the data in a key-value store"),
    ("spin:postgres/", "run a component that needs PostgreSQL with `spin up`, or keep the data in SQLite"),
    ("fermyon:spin/postgres", "run a component that needs PostgreSQL with `spin up`, or keep the data in SQLite"),
    ("spin:mysql/", "run a component that needs MySQL with `spin up`, or keep the data in SQLite"),
    ("fermyon:spin/mysql", "run a component that needs MySQL with `spin up`, or keep the data in SQLite"),
    ("spin:mqtt/", "run a component that needs MQTT with `spin up`"),
    ("fermyon:spin/mqtt", "run a component that needs MQTT with `spin up`"),
    ("wasi:otel/", "build the component without its telemetry"),
    ("wasi:messaging/", "publish events over HTTP"),
    ("wasi:blobstore/", "keep the bytes in a key-value store, or in files"),
    ("fermyon:spin/http", "build the component with spin-sdk 5 or later, which uses wasi:http"),
    ("fermyon:spin/config", "build the component with spin-sdk 5 or later, which uses fermyon:spin/variables@2.0.0"),
    ("fermyon:spin/rdbms-types", "run a component that needs such a database with `spin up`"),
];

/// More would hide the first: a component can be made to import any number.
const MOST_TOLD: usize = 20;

/// One line for each import that this host is known not to have. Asked before anything is linked, so that all are named.
pub fn missing(id: &str, component: &Component, engine: &Engine) -> Vec<String> {
    let imports = component.component_type();
    let names = imports.imports(engine).map(|(name, _)| name.to_owned()).collect::<Vec<_>>();
    let mut missing = names.iter().filter_map(|name| Some(sentence(id, name, advice(name)?)));
    let mut told: Vec<String> = missing.by_ref().take(MOST_TOLD).collect();
    let more = missing.count();
    if more > 0 {
        told.push(format!("component `{id}` imports {more} more interfaces that this host does not have"));
    }
    told
}

fn advice(name: &str) -> Option<&'static str> {
    let known = MISSING.iter().find(|(beginning, _)| name.starts_with(beginning)).map(|(_, advice)| *advice);
    let outdated = name.starts_with("wasi:") && name.contains("-rc-");
    known.or(outdated.then_some("build the component for WASI 0.2 or 0.3.0, with spin-sdk 5 or 7"))
}

fn sentence(id: &str, name: &str, advice: &str) -> String {
    format!("component `{id}` imports `{name}`, which this host does not have: {advice}")
}

/// For whatever else wasmtime refuses to link. Its first line names the import between backticks, its last the reason.
pub fn explain(id: &str, error: &wasmtime::Error) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    let import = causes.first().and_then(|first| first.split('`').nth(1));
    let is_missing = causes.last().is_some_and(|last| last.ends_with("implementation is missing"));
    match import {
        Some(import) if is_missing => {
            let advice = format!(
                "if another component exports it, name that one in [component.{id}.dependencies]; otherwise build `{id}` without it"
            );
            sentence(id, import, &advice)
        }
        Some(import) => format!(
            "component `{id}` imports `{import}` in a form that this host does not have: {}",
            causes.get(1..).unwrap_or_default().join(": ")
        ),
        None => format!("component `{id}` can not be linked: {}", causes.join(": ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::component::Linker;

    fn component(engine: &Engine, imports: &[&str]) -> Component {
        let imports: String =
            imports.iter().map(|name| format!("(import \"{name}\" (instance (export \"f\" (func))))")).collect();
        Component::new(engine, wat::parse_str(format!("(component {imports})")).unwrap()).unwrap()
    }

    #[test]
    fn interfaces_of_spins_that_are_not_here_are_all_named() {
        let engine = Engine::default();
        let names = ["spin:redis/redis@3.0.0", "fermyon:spin/mysql@2.0.0", "wasi:cli/run@0.2.0-rc-2023-11-10", "a:b/c"];
        let missing = missing("one", &component(&engine, &names), &engine);
        assert_eq!(missing.len(), 3, "{missing:?}");
        assert!(missing.iter().zip(names).all(|(line, name)| line.contains(name) && line.contains("`one`")));
    }

    #[test]
    fn of_any_number_some_are_named_and_the_others_counted() {
        let engine = Engine::default();
        let names: Vec<String> = (0..1000).map(|n| format!("spin:redis/redis{n}@3.0.0")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let missing = missing("one", &component(&engine, &names), &engine);
        assert_eq!(missing.len(), MOST_TOLD + 1);
        assert!(missing.last().unwrap().contains("980 more interfaces"), "{missing:?}");
    }

    #[test]
    fn what_nobody_knows_is_named_without_a_trace() {
        let engine = Engine::default();
        let linker = Linker::<()>::new(&engine);
        let error = linker.instantiate_pre(&component(&engine, &["a:b/c@1.0.0"])).err().unwrap();
        let line = explain("one", &error);
        assert!(line.starts_with("component `one` imports `a:b/c@1.0.0`, which this host does not have: "), "{line}");
        assert_eq!(line.lines().count(), 1);
    }

    #[test]
    fn an_interface_of_another_shape_says_what_differs() {
        let engine = Engine::default();
        let mut linker = Linker::<()>::new(&engine);
        linker.instance("a:b/c").unwrap().func_wrap("f", |_, (_,): (u32,)| Ok(())).unwrap();
        let error = linker.instantiate_pre(&component(&engine, &["a:b/c"])).err().unwrap();
        let line = explain("one", &error);
        assert!(line.contains("`a:b/c` in a form that this host does not have") && line.contains("`f`"), "{line}");
    }
}
