//! Links and composition are two ways to the same platform: the same data, whichever started last.

use crate::people;
use kobliat_e2e::whatsapp::SAMPLE;
use kobliat_e2e::{TestApp, in_both_modes};

in_both_modes! {
    async fn the_other_mode_sees_the_same_data(mode: Mode) {
        if kobliat_e2e::skipped("both of our modes") {
            return;
        }
        let app = TestApp::start(mode).await;
        app.webhook_bytes(SAMPLE).await.expect(200);
        let made = people::conversation(&app).await;
        let details = format!("{}/details", made.path);
        let before = (app.conversations().await, app.messages().await, app.get(&details).await.expect(200));

        let app = TestApp::start_on(app.stop().await, mode.other()).await;
        assert_eq!((app.conversations().await, app.messages().await, app.get(&details).await.expect(200)), before);
        assert_eq!(app.webhook_bytes(SAMPLE).await.expect(200)["duplicates"], 1);

        let app = TestApp::start_on(app.stop().await, mode).await;
        assert_eq!(app.messages().await, before.1);
        app.stop().await;
    }
}
