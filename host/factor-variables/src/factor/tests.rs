//! A real guest asks, by both interfaces.

use kobliat_engine::{Body, CallContext, HttpClient, SendError, Sending, StateBuilder};
use wasmtime::component::Component as Compiled;
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi_http::RequestOptions;

use super::*;
use crate::{SecretsFile, Sources};

const MANIFEST: &str = r#"
spin_manifest_version = 2
application.name = "test"
trigger = {}
[component.web]
source = "web.wasm"
variables = { mine = "my value", inherited = "only for a dependency" }
tool.kobliat.own.variables = ["mine"]
"#;

struct NoNetwork;

impl HttpClient for NoNetwork {
    fn send(&mut self, _: CallContext, _: http::Request<Body>, _: Option<RequestOptions>) -> Sending {
        Box::pin(async { Err(SendError::HttpRequestDenied) })
    }
}

/// The guest's world: one instance of component `id`.
async fn ask<Failure>(scope: Scope, id: &str, export: &str, name: &str) -> Result<String, Failure>
where
    Failure: wasmtime::component::ComponentType + wasmtime::component::Lift + Send + Sync + 'static,
{
    let folder = tempfile::tempdir().unwrap();
    let manifest = Manifest::parse(MANIFEST, "spin.toml").unwrap();
    let sources = Sources { working_dir: folder.path().to_owned(), ..Sources::default() };
    let resolver = Resolver::new(&manifest, &sources, &SecretsFile::in_state_dir(folder.path())).unwrap();
    let factor = VariablesFactor::new(&manifest, &resolver, |_| scope);

    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config).unwrap();
    let mut linker = Linker::new(&engine);
    factor.add_to_linker(&mut linker).unwrap();
    let guest = Compiled::new(&engine, wat::parse_str(include_str!("guest.wat")).unwrap()).unwrap();
    let mut state = state_of(id);
    factor.prepare_instance(id, &mut state).unwrap();
    let mut store = Store::new(&engine, state);
    let instance = linker.instantiate_async(&mut store, &guest).await.unwrap();
    let read = instance.get_typed_func::<(String,), (Result<String, Failure>,)>(&mut store, export).unwrap();
    read.call_async(&mut store, (name.to_owned(),)).await.unwrap().0
}

fn state_of(id: &str) -> State {
    StateBuilder {
        component: id.into(),
        wasi: WasiCtxBuilder::new(),
        client: Box::new(NoNetwork),
        memory: 1 << 20,
        allowance: kobliat_engine::Allowance::for_memory(1 << 20),
    }
    .build()
}

async fn read(name: &str) -> Result<String, variables::Error> {
    ask(Scope::Own, "web", "read", name).await
}

#[tokio::test]
async fn a_guest_reads_its_variables() {
    assert_eq!(read("mine").await.unwrap(), "my value");
    let older: Result<String, sync::Error> = ask(Scope::Own, "web", "read-sync", "mine").await;
    assert_eq!(older.unwrap(), "my value");
}

#[tokio::test]
async fn a_name_that_no_variable_can_have_is_invalid() {
    let huge = "a".repeat(70_000);
    for name in ["", "Not-Snake", "a b", huge.as_str()] {
        assert!(matches!(read(name).await, Err(variables::Error::InvalidName(_))), "{}", name.len());
    }
    let older: Result<String, sync::Error> = ask(Scope::Own, "web", "read-sync", "A").await;
    assert!(matches!(older, Err(sync::Error::InvalidName(_))));
}

#[tokio::test]
async fn a_variable_that_is_not_listed_is_undefined() {
    let Err(variables::Error::Undefined(reason)) = read("other").await else { panic!("it was found") };
    assert!(reason.contains("[component.web.variables]"), "{reason}");
    let stranger: Result<String, variables::Error> = ask(Scope::Listed, "stranger", "read", "mine").await;
    assert!(matches!(stranger, Err(variables::Error::Undefined(_))));
}

#[tokio::test]
async fn what_only_a_dependency_needs_is_hidden_when_dependencies_are_linked() {
    assert!(matches!(read("inherited").await, Err(variables::Error::Undefined(_))));
    let composed: Result<String, variables::Error> = ask(Scope::Listed, "web", "read", "inherited").await;
    assert_eq!(composed.unwrap(), "only for a dependency");
}
