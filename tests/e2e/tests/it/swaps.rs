//! Components of the platform replaced while people write: no webhook fails, none is lost, none becomes two messages.

use kobliat_admin::Client;
use kobliat_e2e::{Mode, Outside, TestApp, eventually, root, whatsapp};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::task::JoinHandle;

const PEOPLE: usize = 12;
const SWAPS: usize = 6;

/// The same component as another version: with a custom section behind it, which does nothing.
pub fn version(component: &str, number: usize) -> Vec<u8> {
    let file = format!("target/guests/wasm32-wasip2/release/{}.wasm", component.replace('-', "_"));
    let mut wasm = std::fs::read(root().join(file)).unwrap();
    let content = format!("\u{7}version{number}");
    wasm.extend([0, u8::try_from(content.len()).unwrap()]);
    wasm.extend(content.bytes());
    wasm
}

/// A webhook every few milliseconds, whatever became of those before, until it is told to stop. The ids that were accepted.
fn people_write(
    outside: &Outside,
    stop: &Arc<AtomicBool>,
    answered: &Arc<AtomicUsize>,
) -> JoinHandle<BTreeSet<String>> {
    let (outside, stop, answered) = (outside.clone(), Arc::clone(stop), Arc::clone(answered));
    tokio::spawn(async move {
        let mut running = Vec::new();
        for number in 0.. {
            if stop.load(SeqCst) {
                break;
            }
            let (outside, answered) = (outside.clone(), Arc::clone(&answered));
            running.push(tokio::spawn(async move {
                let id = format!("wamid.swap{number:06}");
                let person = format!("1650{:07}", number % PEOPLE);
                outside.webhook(&whatsapp::one_text(&id, &person, "while you were changed")).await.expect(200);
                answered.fetch_add(1, SeqCst);
                id
            }));
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
        let mut ids = BTreeSet::new();
        for one in running {
            ids.insert(one.await.unwrap());
        }
        ids
    })
}

/// Reads through the gateway without a pause.
fn people_read(outside: &Outside, stop: &Arc<AtomicBool>, answered: &Arc<AtomicUsize>) -> JoinHandle<()> {
    let (outside, stop, answered) = (outside.clone(), Arc::clone(stop), Arc::clone(answered));
    tokio::spawn(async move {
        while !stop.load(SeqCst) {
            outside.get("/api/v1/conversations?limit=5").await.expect(200);
            answered.fetch_add(1, SeqCst);
        }
    })
}

async fn replace_under_load(component: &str) {
    let app = TestApp::start(Mode::Links).await;
    let admin = Client::in_state_dir(app.state_dir());
    let (stop, written, read) = (Arc::new(AtomicBool::new(false)), Arc::default(), Arc::default());
    let writing = people_write(&app, &stop, &written);
    let reading = people_read(&app, &stop, &read);
    for number in 0..SWAPS {
        let before = (written.load(SeqCst), read.load(SeqCst));
        let path = format!("/components/{component}/swap");
        let answer = admin.post(&path, version(component, number % 2 + 1)).await.unwrap();
        assert_eq!(answer["outcome"], "switched", "{answer}");
        eventually("requests go on", async || {
            (written.load(SeqCst) > before.0 && read.load(SeqCst) > before.1).then_some(())
        })
        .await;
    }
    stop.store(true, SeqCst);
    let sent = writing.await.unwrap();
    reading.await.unwrap();
    let messages =
        eventually("all are messages", async || Some(app.messages().await).filter(|all| all.len() >= sent.len())).await;
    let kept: Vec<String> =
        messages.iter().map(|one| one["external_message_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kept.len(), sent.len(), "none twice");
    assert_eq!(kept.into_iter().collect::<BTreeSet<_>>(), sent, "none lost");
    assert_eq!(app.conversations().await.len(), PEOPLE.min(sent.len()));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callee_in_the_middle_of_the_webhook_path_is_replaced_under_load() {
    replace_under_load("customer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_is_replaced_under_load() {
    replace_under_load("api-gateway").await;
}
