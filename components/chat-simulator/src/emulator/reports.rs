//! Reports of what became of a message: planned when it is taken, sent to our webhooks when they are due, again when we fail.

use sdk::{
    Micros,
    sql::{Driver, SqlError},
};
use serde_json::{Value, json};

use super::{Emulated, Knobs, twilio::CHANNEL as SMS};
use crate::{
    app::{App, World},
    dice::Dice,
    lanes::side_by_side,
    provider::{meta, twilio},
    store::emulated,
    webhook::Webhook,
};

/// Throws of the reports; those of the calls are another purpose.
const REPORTS: u64 = 1 << 33;
const LATE: Micros = 60_000_000;
/// Reports that one round sends, and how many at once.
const ROUND: u32 = 64;
const AT_ONCE: usize = 8;
const LEASE: Micros = 60_000_000;
/// A second, then twice as long each time, up to ten minutes; then it is given up.
const FIRST_RETRY: Micros = 1_000_000;
const LONGEST_RETRY: Micros = 600_000_000;
pub const MAX_ATTEMPTS: u32 = 20;
const MICROS_PER_SECOND: Micros = 1_000_000;

/// A report that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub status: &'static str,
    /// When it happened, as the provider says it.
    pub at: Micros,
    pub due_at: Micros,
}

/// A report that is due, with its message.
#[derive(Clone, Debug)]
pub struct Due {
    pub message: Emulated,
    pub number: u32,
    pub status: String,
    pub at: Micros,
    pub attempts: u32,
}

sdk::words!(
    /// What is reported.
    Word { Sent = "sent", Delivered = "delivered", Read = "read", Failed = "failed" }
);

/// All reports that message `number` will have, in no particular order of their arrival.
pub fn plan(knobs: &Knobs, number: u64, now: Micros) -> Vec<Report> {
    let mut dice = Dice::new(knobs.seed, REPORTS.wrapping_add(number));
    let mut words = vec!["sent"];
    if dice.chance(knobs.failure_rate) {
        words.push("failed");
    } else {
        words.push("delivered");
        if dice.chance(knobs.read_rate) {
            words.push("read");
        }
    }
    let (mut at, mut reports) = (now, Vec::new());
    for status in words {
        let wait = Micros::try_from(dice.between(knobs.report_ms[0], knobs.report_ms[1])).unwrap_or(0);
        at = at.saturating_add(wait.saturating_mul(1000));
        reports.push(Report { status, at, due_at: at });
    }
    disturb(knobs, &mut dice, &mut reports);
    reports
}

fn disturb(knobs: &Knobs, dice: &mut Dice, reports: &mut Vec<Report>) {
    for later in 1..reports.len() {
        if let (true, Some([one, two])) = (dice.chance(knobs.reorder_rate), reports.get_mut(later - 1..=later)) {
            std::mem::swap(&mut one.due_at, &mut two.due_at);
        }
    }
    for number in 0..reports.len() {
        let (late, twice) = (dice.chance(knobs.late_rate), dice.chance(knobs.duplicate_rate));
        if let Some(report) = reports.get_mut(number) {
            report.due_at = report.due_at.saturating_add(if late { LATE } else { 0 });
            let again = twice.then(|| report.clone());
            reports.extend(again);
        }
    }
}

/// Sends what is due; whether there may be more.
pub async fn round<D: Driver, W: World>(app: &App<D, W>) -> Result<bool, SqlError> {
    let now = app.clock.now();
    let due = emulated::claim_due(&app.database, now, now.saturating_add(LEASE), ROUND).await?;
    let is_full = u32::try_from(due.len()).is_ok_and(|count| count >= ROUND);
    let sent = side_by_side(due, AT_ONCE, async |report: Due| send(app, &report).await).await;
    sent.into_iter().collect::<Result<Vec<()>, _>>()?;
    Ok(is_full)
}

async fn send<D: Driver, W: World>(app: &App<D, W>, report: &Due) -> Result<(), SqlError> {
    let webhook = webhook(app, report).await;
    if app.post(&webhook).await.is_taken() || report.attempts + 1 >= MAX_ATTEMPTS {
        return emulated::reported(&app.database, report).await;
    }
    let wait = FIRST_RETRY.saturating_mul(1 << report.attempts.min(10)).min(LONGEST_RETRY);
    emulated::again(&app.database, report, app.clock.now().saturating_add(wait)).await
}

async fn webhook<D: Driver, W: World>(app: &App<D, W>, report: &Due) -> Webhook {
    let sent = &report.message.sent;
    let account = app.signer(&report.message.tenant, sent.channel, &sent.account).await;
    if sent.channel == SMS {
        let word = if report.status == "failed" { "undelivered" } else { &report.status };
        let error = (report.status == "failed").then_some(30008);
        let (from, to) = (format!("+{}", sent.account), format!("+{}", sent.recipient));
        let form = twilio::status(&report.message.id, &from, &to, word, error);
        return app.twilio(&account, &form, sent.callback.as_deref().unwrap_or_default()).await;
    }
    Webhook::meta(&account, meta::body(vec![meta::value(&sent.account, json!({ "statuses": [status(report)] }))]))
}

fn status(report: &Due) -> Value {
    let sent = &report.message.sent;
    let mut status = json!({
        "id": report.message.id,
        "status": report.status,
        "timestamp": (report.at / MICROS_PER_SECOND).to_string(),
        "recipient_id": sent.recipient,
        "pricing": { "billable": true, "pricing_model": "PMP", "category": "service", "type": "regular" },
    });
    if let Some(fields) = status.as_object_mut() {
        if let Some(ours) = &sent.ours {
            fields.insert("biz_opaque_callback_data".to_owned(), ours.as_str().into());
        }
        if report.status == "failed" {
            let details = json!({ "details": "Message undeliverable." });
            let error = json!({ "code": 131_026, "title": "Message undeliverable", "message": "Message undeliverable", "error_data": details });
            fields.insert("errors".to_owned(), json!([error]));
        }
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_provider_reports_in_order_and_once() {
        let reports = plan(&Knobs::default(), 0, 1_000_000);
        let words: Vec<&str> = reports.iter().map(|report| report.status).collect();
        assert_eq!(words, ["sent", "delivered", "read"]);
        assert!(reports.windows(2).all(|pair| pair[0].due_at <= pair[1].due_at));
    }

    #[test]
    fn an_unkind_one_swaps_doubles_delays_and_fails() {
        let knobs =
            Knobs { duplicate_rate: 1.0, reorder_rate: 1.0, late_rate: 1.0, report_ms: [10, 20], ..Knobs::default() };
        let reports = plan(&knobs, 3, 0);
        assert_eq!(reports.len(), 6);
        assert!(reports.iter().all(|report| report.due_at >= LATE));
        assert!(!reports[..3].is_sorted_by_key(|report| report.due_at), "{reports:?}");
        let failed = plan(&Knobs { failure_rate: 1.0, ..Knobs::default() }, 3, 0);
        assert_eq!(failed.last().map(|report| report.status), Some("failed"));
        assert_eq!(plan(&knobs, 3, 0), reports, "and does it again");
    }
}
