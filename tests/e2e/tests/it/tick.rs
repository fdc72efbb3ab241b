//! A delivery that could not be finished at once is acknowledged all the same, and finished by the tick.

use kobliat_e2e::whatsapp::{SAMPLE, SAMPLE_ID};
use kobliat_e2e::{TestApp, eventually, in_both_modes};

in_both_modes! {
    /// Another program (a backup, say) holds the messages' database for too long.
    async fn the_tick_finishes_what_could_not_be_finished(mode: Mode) {
        if kobliat_e2e::skipped("our tick") {
            return;
        }
        let app = TestApp::start(mode).await;
        app.get("/api/v1/conversations").await.expect(200);
        let holder = rusqlite::Connection::open(app.state_dir().join("messaging.db")).unwrap();
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();

        let answer = app.webhook_bytes(SAMPLE).await.expect(200);
        assert_eq!(answer["processed"], false, "{answer}");
        assert_eq!(answer["accepted"], 0, "{answer}");

        holder.execute_batch("ROLLBACK").unwrap();
        eventually("the tick has delivered it", async || (app.messages().await.len() == 1).then_some(())).await;
        assert_eq!(app.messages().await[0]["external_message_id"], SAMPLE_ID);
        eventually("its conversation shows it", async || {
            (app.conversations().await[0]["last_message_preview"] == "Does it come in another color?").then_some(())
        }).await;
        assert_eq!(app.webhook_bytes(SAMPLE).await.expect(200)["duplicates"], 1);
        assert_eq!(app.conversations().await[0]["unread_count"], 1);
        app.stop().await;
    }
}
