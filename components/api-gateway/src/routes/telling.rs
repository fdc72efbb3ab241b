//! What a conversation is told of its messages, once messaging has answered: that there is a new one, or that one has other words.

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use serde_json::Value;

use super::Service;
use crate::call::Call;
use crate::clients::{Body, CallError, CallResult, Outside, Rewording, Touch};
use crate::domain::preview;
use crate::problem;
use crate::reply::buffered;
use sdk::clock::parse_rfc3339;
use sdk::{Micros, Problem, etag};

/// A stored message is what was sent (1 MiB at most) and a little more; escapes may double it.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// A message was stored. It is, so the answer stays what it is when its conversation does not learn of it; the conversation's details
/// repair that when they are read.
pub async fn stored<B: Outside>(
    outside: &B,
    call: &Call<'_>,
    answer: Response<Body>,
) -> Result<Response<Body>, Problem> {
    let (answer, said) = read(answer).await?;
    if let Some(touch) = understood(call, &said, Told::touch) {
        let touch = async || outside.touch(call.typed_context(), vec![touch.clone()]).await;
        note(call, twice(touch).await);
    }
    Ok(answer)
}

/// The words of a message were changed. Lists show the old ones when this fails, until the next change or the next message.
pub async fn reworded<B: Outside>(
    outside: &B,
    call: &Call<'_>,
    answer: Response<Body>,
) -> Result<Response<Body>, Problem> {
    let changed_at = etag::version(answer.headers());
    let (answer, said) = read(answer).await?;
    if let Some(rewording) = understood(call, &said, |told| told.rewording(changed_at?)) {
        let reword = async || outside.reword(call.typed_context(), rewording.clone()).await;
        note(call, twice(reword).await);
    }
    Ok(answer)
}

/// The answer, and what it says.
async fn read(answer: Response<Body>) -> Result<(Response<Body>, Bytes), Problem> {
    let (parts, body) = answer.into_parts();
    let said = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
    let said = said.map_err(|_broken_off| problem::bad_answer(Service::Messaging))?.to_bytes();
    Ok((Response::from_parts(parts, buffered(said.clone())), said))
}

/// What the service's answer tells that the conversation must learn.
#[derive(Deserialize)]
struct Told {
    conversation_id: String,
    seq: u64,
    direction: String,
    body: Option<String>,
    content_type: String,
    #[serde(default)]
    metadata: Value,
    sent_at: String,
    created_at: String,
}

impl Told {
    fn touch(&self) -> Option<Touch> {
        Some(Touch {
            conversation_id: self.conversation_id.clone(),
            seq: self.seq,
            preview: self.preview(),
            at: parse_rfc3339(&self.sent_at)?.min(parse_rfc3339(&self.created_at)?),
            inbound: self.direction == "inbound",
        })
    }

    fn rewording(&self, changed_at: Micros) -> Option<Rewording> {
        let (conversation_id, preview) = (self.conversation_id.clone(), self.preview());
        Some(Rewording { conversation_id, seq: self.seq, preview, changed_at })
    }

    fn preview(&self) -> String {
        preview(self.body.as_deref(), &self.content_type, &self.metadata)
    }
}

fn understood<T>(call: &Call<'_>, said: &Bytes, read: impl FnOnce(&Told) -> Option<T>) -> Option<T> {
    let told = serde_json::from_slice::<Told>(said).ok().and_then(|told| read(&told));
    if told.is_none() {
        call.log_failure(Service::Messaging, "told of a message in a form that is not understood");
    }
    told
}

/// Once more when the conversation cannot be reached.
async fn twice(tell: impl AsyncFn() -> CallResult<()>) -> CallResult<()> {
    match tell().await {
        Err(CallError::Unavailable(_)) => tell().await,
        told => told,
    }
}

fn note(call: &Call<'_>, told: CallResult<()>) {
    if let Err(error) = told {
        call.log_failure(Service::Conversation, &format!("did not learn of a message: {error:?}"));
    }
}
