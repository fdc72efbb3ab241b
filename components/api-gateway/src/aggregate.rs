//! Gathering the parts of an answer from several services: always the same few calls for a page, never one per row.

use futures::future::join_all;

use crate::call::Call;
use crate::clients::{CallError, CallResult, Conversation, Customers, Message};
use crate::domain::{MAX_IDS_PER_CALL, Names, Warning, people};
use crate::problem;
use crate::routes::Service;
use sdk::Problem;

/// The names that a page shows; without them, when their service is down, the page is still worth showing.
pub async fn names_for<B: Customers>(
    outside: &B,
    call: &Call<'_>,
    conversations: &[Conversation],
    messages: &[Message],
    warnings: &mut Vec<Warning>,
) -> Result<Names, Problem> {
    let found = customers(outside, call, &people(conversations, messages)).await;
    Ok(part(call, Service::Customer, "customers", found, warnings)?.unwrap_or_default())
}

/// These customers. More than one call only where there are more ids than one call takes; those then run at once.
pub async fn customers<B: Customers>(outside: &B, call: &Call<'_>, ids: &[String]) -> CallResult<Names> {
    let calls = ids.chunks(MAX_IDS_PER_CALL).map(|ids| outside.get_customers(call.typed_context(), ids.to_vec()));
    let found: CallResult<Vec<_>> = join_all(calls).await.into_iter().collect();
    Ok(Names::of(found?.into_iter().flatten().collect()))
}

/// A part of an answer: absent with a warning when its service failed; the client's own mistakes stay errors.
pub fn part<T>(
    call: &Call<'_>,
    service: Service,
    part: &'static str,
    result: CallResult<T>,
    warnings: &mut Vec<Warning>,
) -> Result<Option<T>, Problem> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(CallError::Unavailable(reason) | CallError::Other(reason)) => {
            call.log_failure(service, &reason);
            warnings.push(Warning { part, detail: format!("the {} service is unavailable", service.id()) });
            Ok(None)
        }
        Err(error) => Err(whole(call, service, error)),
    }
}

/// A part without which there is no answer.
pub fn whole(call: &Call<'_>, service: Service, error: CallError) -> Problem {
    if let CallError::Unavailable(reason) | CallError::Other(reason) = &error {
        call.log_failure(service, reason);
    }
    problem::from_call(service, error)
}
