//! An attempt that the provider may have taken is settled before it is made again: the provider is asked, where it can be asked.

use std::time::Duration;

use sdk::Micros;

use super::Platform;
use super::calling::exchange;
use super::target::Target;
use crate::provider::Failure;

/// What is known of it afterwards.
pub(super) enum Finding {
    /// The provider has it, under this id.
    Taken(String),
    NeverTaken,
    /// It did not say.
    Unclear(Failure),
}

pub(super) async fn ask<P: Platform>(platform: &P, target: &Target, since: Micros, patience: Duration) -> Finding {
    let Target { provider, settings, outgoing, .. } = target;
    let request = match provider.inquiry(outgoing, settings) {
        None => return Finding::Unclear(interrupted()),
        Some(Err(failure)) => return Finding::Unclear(failure),
        Some(Ok(request)) => request,
    };
    let found = match exchange(platform, *request, patience).await {
        Ok(answer) => provider.found(&answer, outgoing, since),
        Err(_) => None,
    };
    match found {
        Some(ids) => match ids.into_iter().next() {
            Some(id) => Finding::Taken(id),
            None if provider.is_absence_proof() => Finding::NeverTaken,
            None => Finding::Unclear(Failure::new("not_found", "the provider does not show the message yet")),
        },
        None => Finding::Unclear(Failure::new("unsettled", "the provider did not say whether it has the message")),
    }
}

pub(super) fn interrupted() -> Failure {
    Failure::new("interrupted", "an attempt was interrupted: the provider may have the message or not")
}
