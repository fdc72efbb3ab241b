//! Lists: by cursor and by `Link`, no row twice, none left out, also while new ones come.

use crate::people::text;
use kobliat_e2e::whatsapp::{delivery, one_text, text as text_message};
use kobliat_e2e::{TestApp, in_both_modes};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const CONVERSATIONS: &str = "/api/v1/conversations";

/// That many people write at the very same time, so that only the tie-break orders their conversations.
async fn many_conversations(app: &TestApp, count: usize) {
    let messages: Vec<Value> =
        (0..count).map(|n| text_message(&format!("m{n}"), &format!("1650{n:07}"), "hello")).collect();
    app.webhook(&delivery(json!({"messages": messages}))).await.expect(200);
    kobliat_e2e::eventually("all conversations are there", async || {
        (app.conversations().await.len() == count).then_some(())
    })
    .await;
}

fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|it| text(it, "id")).collect()
}

/// The address of the next page, as the header gives it: relative to the list's own.
fn next_of(path: &str, link: &str) -> String {
    let target = link.strip_prefix('<').and_then(|rest| rest.split_once('>')).unwrap();
    assert_eq!(target.1, "; rel=\"next\"");
    match target.0 {
        query if query.starts_with('?') => format!("{path}{query}"),
        whole => whole.to_owned(),
    }
}

in_both_modes! {
    async fn a_walk_by_cursor_sees_each_conversation_once(mode: Mode) {
        let app = TestApp::start(mode).await;
        many_conversations(&app, 120).await;
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = app.get(&format!("{CONVERSATIONS}?limit=7{cursor}")).await.expect(200);
            assert_eq!(page["meta"]["limit"], 7);
            seen.extend(ids(&page));
            assert_eq!(page["meta"]["has_more"], page["meta"]["next_cursor"].is_string());
            let Some(next) = page["meta"]["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!((seen.len(), seen.iter().collect::<BTreeSet<_>>().len()), (120, 120));
        app.stop().await;
    }

    async fn links_lead_through_the_list(mode: Mode) {
        let app = TestApp::start(mode).await;
        many_conversations(&app, 25).await;
        let of_one = format!("{CONVERSATIONS}/{}/messages", text(&app.conversations().await[0], "id"));
        for (path, all, query) in [(CONVERSATIONS, 25, "limit=10&status=open"), ("/api/v1/customers", 25, "limit=10"), (&of_one, 1, "limit=10")] {
            let mut seen = BTreeSet::new();
            let mut next = Some(format!("{path}?{query}"));
            while let Some(address) = next {
                let page = app.get(&address).await;
                next = page.header("link").map(|link| next_of(path, link));
                seen.extend(ids(&page.expect(200)));
            }
            assert_eq!(seen.len(), all, "{path}");
        }
        app.stop().await;
    }

    /// Between the pages others write: what was in the list and did not move is seen, once.
    async fn a_walk_is_stable_while_others_write(mode: Mode) {
        let app = TestApp::start(mode).await;
        many_conversations(&app, 30).await;
        let before: BTreeSet<String> = app.conversations().await.iter().map(|it| text(it, "id")).collect();
        let mut seen = Vec::new();
        let mut next = Some(format!("{CONVERSATIONS}?limit=4"));
        while let Some(address) = next {
            let page = app.get(&address).await.expect(200);
            seen.extend(ids(&page));
            let newcomer = format!("1999{:07}", seen.len());
            app.webhook(&one_text(&format!("new-{newcomer}"), &newcomer, "me too")).await.expect(200);
            next = page["meta"]["next_cursor"].as_str().map(|cursor| format!("{CONVERSATIONS}?limit=4&cursor={cursor}"));
        }
        let once: BTreeSet<String> = seen.iter().cloned().collect();
        assert_eq!(once.len(), seen.len(), "no row twice");
        assert!(once.is_superset(&before), "and none left out");
        app.stop().await;
    }
}
