//! Swaps while requests and calls come without a pause: none is lost, none hangs, each sees one version whole.

use super::support::{post, swap, version};
use crate::support::host::{Host, Start, eventually};
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use tokio::task::JoinHandle;

/// Asks without a pause until it is told to stop; every answer must be whole.
fn load(host: &Arc<Host>, path: &'static str, stop: &Arc<AtomicBool>, answered: &Arc<AtomicUsize>) -> JoinHandle<()> {
    let (host, stop, answered) = (Arc::clone(host), Arc::clone(stop), Arc::clone(answered));
    tokio::spawn(async move {
        while !stop.load(SeqCst) {
            let version = host.get(path).await.expect(200);
            assert!(version.len() == 4 && version.parse::<u32>().is_ok(), "{version}");
            answered.fetch_add(1, SeqCst);
        }
    })
}

/// The race of a request into the pool that is being closed: with 16 clients, some are always between reading the target
/// and handing the request over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_swaps_under_load_lose_nothing() {
    let host = Arc::new(Start::behaviour("swap").alone().start().await);
    let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let paths = ["/v/", "/caller/echo?a"];
    let clients: Vec<_> = (0..16).map(|client| load(&host, paths[client % 2], &stop, &answered)).collect();
    for number in 2..52 {
        let before = answered.load(SeqCst);
        swap(&host, version(number % 4 + 2, "good")).await.unwrap();
        post(&host, "/components/versioned/restart", Vec::new()).await.unwrap();
        eventually("requests go on", || answered.load(SeqCst) > before).await;
    }
    stop.store(true, SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    host.runs(0).await;
    eventually("no old instance is left", || host.runtime.instances() <= 32).await;
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Swap(u32),
    Rollback,
    Stop,
    Start,
    Restart,
    /// A request that ends its instance: the callers of that instance fail, and nobody else.
    Crash,
    Ask,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (2..6_u32).prop_map(Step::Swap),
        Just(Step::Rollback),
        Just(Step::Stop),
        Just(Step::Start),
        Just(Step::Restart),
        Just(Step::Crash),
        Just(Step::Ask),
    ];
    proptest::collection::vec(step, 1..14)
}

/// What the platform promises: the versions that were active, the last of them runs, or none while it is stopped.
struct Model {
    versions: Vec<u32>,
    stopped: bool,
}

impl Model {
    fn swap(&mut self, number: u32) {
        if let Some(known) = self.versions.iter().position(|&version| version == number) {
            self.versions.truncate(known);
        }
        self.versions.push(number);
    }

    /// Whether there is a version to go back to.
    fn roll_back(&mut self) -> bool {
        let possible = self.versions.len() > 1;
        if possible {
            self.versions.pop();
        }
        possible
    }

    fn answer(&self) -> (u16, String) {
        match (self.stopped, self.versions.last()) {
            (false, Some(version)) => (200, format!("{version:04}")),
            _ => (503, "stopped".to_owned()),
        }
    }
}

async fn run(host: &Host, steps: &[Step]) {
    let mut model = Model { versions: vec![1], stopped: false };
    let change = async |action: &str| post(host, &format!("/components/versioned/{action}"), Vec::new()).await;
    for step in steps {
        match *step {
            Step::Swap(number) => {
                swap(host, version(number, "good")).await.unwrap();
                if model.versions.last() != Some(&number) {
                    model.swap(number);
                }
            }
            Step::Rollback => assert_eq!(change("rollback").await.is_ok(), model.roll_back()),
            Step::Stop => {
                change("stop").await.unwrap();
                model.stopped = true;
            }
            Step::Start | Step::Restart => {
                change(if matches!(step, Step::Start) { "start" } else { "restart" }).await.unwrap();
                model.stopped = false;
            }
            Step::Crash => drop(host.get("/v/trap").await),
            Step::Ask => {}
        }
        let answer = host.get("/v/").await;
        let (status, body) = model.answer();
        assert_eq!(answer.status.as_u16(), status, "after {step:?}");
        let as_said = if model.stopped { answer.body.contains(&body) } else { answer.body == body };
        assert!(as_said, "after {step:?}: {}", answer.body);
        let called = host.get("/caller/echo?a").await.status.as_u16();
        assert_eq!(called, if model.stopped { 502 } else { 200 }, "after {step:?}");
    }
}

#[test]
fn any_order_of_changes_does_what_the_model_says() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(steps in steps())| {
        runtime.block_on(async {
            let host = Host::start("swap").await;
            run(&host, &steps).await;
        });
    });
}
