//! An instance of `tests/test-components/sqlite-probe` on the real engine, with databases of its own.

use std::collections::HashMap;
use std::path::Path;
use std::sync::LazyLock;

use kobliat_build::{Environment, Options, build_packages, guest_packages};
use kobliat_engine::http_client::{Body, HttpClient, Sending};
use kobliat_engine::{CallContext, Engine, EngineOptions, Factor, State, StateBuilder};
use kobliat_factor_sqlite::{DatabaseConfig, SqliteFactor};
use tempfile::TempDir;
use wasmtime::Store;
use wasmtime::component::Component as Wasm;
use wasmtime_wasi::WasiCtxBuilder;

wasmtime::component::bindgen!({
    path: "../../tests/test-components/sqlite-probe/wit",
    world: "component",
    exports: { default: async },
});

/// Compiled once for all tests of this binary.
static COMPILED: LazyLock<(Engine, Wasm)> = LazyLock::new(|| {
    let options = EngineOptions { instances: 16, max_memory: 64 << 20, pooling: false };
    let engine = Engine::new(&options).unwrap();
    let wasm = Wasm::from_file(engine.wasmtime(), build()).unwrap();
    (engine, wasm)
});

fn build() -> std::path::PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned();
    let environment = Environment::for_guests(std::env::vars_os());
    let options = Options { root: root.clone(), environment, toolchain: None, quiet: true };
    let packages = guest_packages(&root.join("tests/test-components")).unwrap();
    build_packages(&options, &packages, &mut |line| eprintln!("{line}")).unwrap();
    root.join("target/guests/wasm32-wasip2/release/sqlite_probe.wasm")
}

/// The databases `mine` and `other`, of which the component `probe` may open `mine`.
pub struct Host {
    pub factor: SqliteFactor,
    pub directory: TempDir,
}

impl Host {
    pub fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { factor: open(&directory), directory }
    }

    /// The same databases after the host has ended and started again.
    pub async fn restart(self) -> Self {
        self.factor.shutdown().await;
        Self { factor: open(&self.directory), directory: self.directory }
    }

    pub async fn instance(&self) -> Probe {
        let (engine, wasm) = &*COMPILED;
        let mut linker = engine.linker().unwrap();
        self.factor.add_to_linker(&mut linker).unwrap();
        let (wasi, component) = (WasiCtxBuilder::new(), "probe".into());
        let mut state = StateBuilder {
            component,
            wasi,
            client: Box::new(NoNetwork),
            memory: 64 << 20,
            allowance: kobliat_engine::Allowance::for_memory(64 << 20),
        }
        .build();
        self.factor.prepare_instance("probe", &mut state).unwrap();
        let mut store = Store::new(engine.wasmtime(), state);
        store.set_epoch_deadline(u64::MAX / 2);
        let bindings = Component::instantiate_async(&mut store, wasm, &linker).await.unwrap();
        Probe { store, bindings }
    }
}

fn open(directory: &TempDir) -> SqliteFactor {
    let database =
        |label: &str| (label.to_owned(), DatabaseConfig { path: directory.path().join(format!("{label}.db")) });
    let grants = HashMap::from([("probe".to_owned(), vec!["mine".to_owned()])]);
    SqliteFactor::new(HashMap::from([database("mine"), database("other")]), grants).unwrap()
}

/// The guest.
pub struct Probe {
    pub store: Store<State>,
    bindings: Component,
}

impl Probe {
    pub async fn run(&mut self, label: &str, statements: &[&str]) -> Vec<String> {
        let statements: Vec<String> = statements.iter().map(|sql| (*sql).to_owned()).collect();
        let probe = self.bindings.kobliat_sqlite_probe_probe();
        let label = label.to_owned();
        self.store
            .run_concurrent(async move |accessor| probe.call_run(accessor, label, statements).await)
            .await
            .unwrap()
            .unwrap()
    }

    pub async fn run_sync(&mut self, label: &str, statements: &[&str]) -> Vec<String> {
        let statements: Vec<String> = statements.iter().map(|sql| (*sql).to_owned()).collect();
        let probe = self.bindings.kobliat_sqlite_probe_probe();
        probe.call_run_sync(&mut self.store, label, &statements).await.unwrap()
    }

    /// Two series of statements at the same time, on one instance.
    pub async fn run_both(&mut self, a: &[&str], b: &[&str]) -> (Vec<String>, Vec<String>) {
        let own = |statements: &[&str]| statements.iter().map(|sql| (*sql).to_owned()).collect::<Vec<_>>();
        let (a, b) = (own(a), own(b));
        let probe = self.bindings.kobliat_sqlite_probe_probe();
        self.store
            .run_concurrent(async move |accessor| {
                let run = |statements| probe.call_run(accessor, "mine".to_owned(), statements);
                let (a, b) = tokio::join!(run(a), run(b));
                (a.unwrap(), b.unwrap())
            })
            .await
            .unwrap()
    }

    pub async fn repeat(&mut self, statement: &str, count: u32) -> u64 {
        let probe = self.bindings.kobliat_sqlite_probe_probe();
        let statement = statement.to_owned();
        self.store
            .run_concurrent(async move |accessor| {
                probe.call_repeat(accessor, "mine".to_owned(), statement, count).await
            })
            .await
            .unwrap()
            .unwrap()
    }

    pub async fn hoard(&mut self) -> u32 {
        let probe = self.bindings.kobliat_sqlite_probe_probe();
        self.store
            .run_concurrent(async move |accessor| probe.call_hoard(accessor, "mine".to_owned()).await)
            .await
            .unwrap()
            .unwrap()
    }
}

struct NoNetwork;

impl HttpClient for NoNetwork {
    fn send(
        &mut self,
        _: CallContext,
        _: http::Request<Body>,
        _: Option<wasmtime_wasi_http::RequestOptions>,
    ) -> Sending {
        unreachable!("the probe does no HTTP")
    }
}
