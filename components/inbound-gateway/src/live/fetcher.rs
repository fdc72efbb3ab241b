//! Fetching attachments in the host: providers by HTTP, `media` by HTTP and typed call, rounds behind the answers.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures::SinkExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt, Limited, StreamBody};
use sdk::outgoing::USER_AGENT;
use sdk::sql::Spin;
use sdk::{Clock, Context, SystemClock, config, log};
use serde_json::Value;
use spin_sdk::http::{BoxBody, EmptyBody, box_body};

use crate::accounts::Accounts;
use crate::accounts::vault::{Owner, Vault};
use crate::attachments::round::{self, Watch};
use crate::attachments::{Answer, Medium, Outside, Refusal, Told, Wanted};
use crate::bindings::kobliat::media::media;
use crate::bindings::kobliat::messages::messages;
use crate::domain::delivery::DEFAULT_TENANT;
use crate::domain::files::{Files, Holder};
use crate::store::SqlStore;

/// What `media` says of an attachment, or why it refused one.
const MAX_DOCUMENT_BYTES: usize = 64 << 10;
/// Rounds that one instance runs at once: a slow provider holds up nobody else's files.
const ROUNDS: u32 = 2;

#[derive(Clone)]
pub struct Fetcher {
    store: Rc<SqlStore<Spin>>,
    rounds: Rc<Cell<u32>>,
}

impl Fetcher {
    pub fn new(store: Rc<SqlStore<Spin>>) -> Self {
        Self { store, rounds: Rc::default() }
    }

    /// A round behind the answer; when enough are under way, the tick finds what is left.
    pub fn start(&self) {
        if self.rounds.get() >= ROUNDS {
            return;
        }
        let running = Running::begin(&self.rounds);
        let fetcher = self.clone();
        wit_bindgen::spawn(async move {
            let _running = running;
            if let Err(reason) = round::run(&fetcher, &*fetcher.store, &Host).await {
                log::warn(&Context::default(), "attachments wait for the next tick", &[("reason", &reason)]);
            }
        });
    }
}

/// Counts the round as done however it ends.
struct Running(Rc<Cell<u32>>);

impl Running {
    fn begin(rounds: &Rc<Cell<u32>>) -> Self {
        rounds.set(rounds.get() + 1);
        Self(rounds.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

struct Host;

impl Watch for Host {
    fn now(&self) -> i64 {
        SystemClock.now()
    }

    async fn sleep(&self, duration: Duration) {
        spin_sdk::time::sleep(duration).await;
    }
}

impl Outside for Fetcher {
    type File = BoxBody;

    /// The deployment's are the default tenant's only.
    async fn credential(&self, wanted: &Wanted, name: &str) -> Result<Option<String>, String> {
        let names = [wanted.channel_account_id.clone()];
        let found = self.store.named(&wanted.channel, &names).await.map_err(|error| format!("{error:?}"))?;
        for account in found.iter().filter(|account| account.tenant == wanted.tenant) {
            let Some(sealed) = &account.sealed else { continue };
            let own = vault().await?.open(Owner { tenant: &account.tenant, id: &account.id }, sealed)?;
            if let Some(value) = own.get(name) {
                return Ok(Some(value.clone()));
            }
        }
        let variable = match (wanted.tenant.as_str(), wanted.channel.as_str()) {
            (DEFAULT_TENANT, "whatsapp") => format!("whatsapp_{name}"),
            (DEFAULT_TENANT, "sms") => format!("twilio_{name}"),
            (DEFAULT_TENANT, "telegram") => format!("telegram_{name}"),
            _ => return Ok(None),
        };
        Ok(self.setting(&variable).await)
    }

    async fn setting(&self, name: &str) -> Option<String> {
        config::optional(name).await.ok().flatten()
    }

    async fn get(&self, url: &str, authorization: Option<&str>) -> Result<Answer<BoxBody>, String> {
        let mut request = Request::builder().uri(url).header(header::USER_AGENT, USER_AGENT);
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let request = request.body(EmptyBody::new()).map_err(|error| error.to_string())?;
        let answer = spin_sdk::http::send(request).await.map_err(|code| format!("no answer: {code}"))?;
        let (parts, body) = answer.into_parts();
        let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        Ok(Answer {
            status: parts.status.as_u16(),
            location: text(header::LOCATION).map(str::to_owned),
            length: text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
            file: box_body(body),
        })
    }

    async fn read(&self, file: BoxBody, limit_bytes: usize) -> Result<Vec<u8>, String> {
        let read = Limited::new(file, limit_bytes).collect().await;
        read.map(|body| body.to_bytes().into()).map_err(|error| error.to_string())
    }

    async fn carried(&self, holder: Holder, file: u32) -> Result<Option<Answer<BoxBody>>, String> {
        let Some(length) = self.store.file_size(&holder, file).await? else { return Ok(None) };
        // The request's body may be sent from anywhere, as far as its type goes; the store cannot. So a task of ours reads, a piece ahead.
        let (mut pieces, body) = futures::channel::mpsc::channel::<Result<Frame<Bytes>, std::io::Error>>(1);
        let store = self.store.clone();
        wit_bindgen::spawn(async move {
            for number in 0.. {
                let piece = match store.file_stretch(&holder, file, number).await {
                    Ok(Some(piece)) => Ok(Frame::data(Bytes::from(piece))),
                    Ok(None) => break,
                    Err(reason) => Err(std::io::Error::other(reason)),
                };
                let is_broken = piece.is_err();
                if pieces.send(piece).await.is_err() || is_broken {
                    break;
                }
            }
        });
        Ok(Some(Answer { status: 200, location: None, length: Some(length), file: box_body(StreamBody::new(body)) }))
    }

    async fn expect(&self, context: Context, wanted: &Wanted) -> Result<Medium, Refusal> {
        let expected = media::Expected {
            reference: wanted.reference.clone(),
            conversation_id: Some(wanted.conversation_id.clone()),
            filename: wanted.source.filename.clone(),
        };
        let announced = media::expect_many(context, vec![expected]).await.map_err(media_refusal)?;
        announced.into_iter().next().map(medium).ok_or_else(|| Refusal::NotNow("media answers nothing".to_owned()))
    }

    async fn keep(
        &self,
        context: Context,
        id: &str,
        file: Answer<BoxBody>,
        sha256: Option<&str>,
    ) -> Result<Medium, Refusal> {
        let mut request = Request::builder().method(Method::PUT);
        if let Some(headers) = request.headers_mut() {
            headers.extend(headers_of(&context, file.length, sha256));
        }
        let request = request.uri(format!("http://media.spin.internal/media/{id}/content")).body(file.file);
        let request = request.map_err(|error| Refusal::NotNow(error.to_string()))?;
        let answer = spin_sdk::http::send(request).await.map_err(|code| Refusal::NotNow(format!("media: {code}")))?;
        told(answer).await
    }

    async fn give_up(&self, context: Context, id: &str, reason: &str) -> Result<(), Refusal> {
        media::fail(context, id.to_owned(), reason.to_owned()).await.map_err(media_refusal)?;
        Ok(())
    }

    async fn tell(&self, context: Context, told: Told) -> Result<(), Refusal> {
        let Told { message_id, medium, failure } = told;
        let change = messages::MediaChange {
            message_id,
            media_id: medium.id,
            status: if failure.is_some() { messages::MediaStatus::Failed } else { messages::MediaStatus::Ready },
            reason: failure,
            mime_type: medium.mime_type,
            size: medium.size,
            filename: Some(medium.filename).filter(|name| !name.is_empty()),
        };
        let answers = messages::set_media(context, vec![change]).await.map_err(message_refusal)?;
        let answer =
            answers.into_iter().next().ok_or_else(|| Refusal::NotNow("messaging answers nothing".to_owned()))?;
        answer.map(|_| ()).map_err(message_refusal)
    }
}

async fn vault() -> Result<Vault, String> {
    let setting = async |name| config::optional(name).await.map_err(|error| error.to_string());
    let (current, earlier) =
        (setting("channel_credentials_key").await?, setting("channel_credentials_key_previous").await?);
    Vault::new(current.as_deref(), earlier.as_deref())
}

fn headers_of(context: &Context, length: Option<u64>, sha256: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.extend(context.headers().into_iter().map(|(name, value)| (HeaderName::from_static(name), value)));
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    if let Some(Ok(hash)) = sha256.map(HeaderValue::from_str) {
        headers.insert(HeaderName::from_static("kobliat-sha256"), hash);
    }
    headers
}

/// A file that is not taken is not taken later either; one that came damaged or not in full may be fetched again.
async fn told(answer: Response<spin_sdk::wasip3::http_compat::IncomingResponseBody>) -> Result<Medium, Refusal> {
    let status = answer.status().as_u16();
    let said = Limited::new(box_body(answer.into_body()), MAX_DOCUMENT_BYTES).collect().await;
    let said = said.map(|body| body.to_bytes()).unwrap_or_default();
    let document: Value = serde_json::from_slice(&said).unwrap_or_default();
    let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
    match status {
        200 => Ok(Medium {
            id: text("id").unwrap_or_default(),
            is_ready: true,
            mime_type: text("mime_type"),
            size: document.get("size").and_then(Value::as_u64),
            filename: text("filename").unwrap_or_default(),
        }),
        404 | 413 | 415 | 422 => {
            Err(Refusal::Never(text("detail").unwrap_or_else(|| format!("media answers {status}"))))
        }
        _ => Err(Refusal::NotNow(text("detail").unwrap_or_else(|| format!("media answers {status}")))),
    }
}

fn medium(known: media::Medium) -> Medium {
    Medium {
        id: known.id,
        is_ready: known.status == media::Status::Ready,
        mime_type: known.mime_type,
        size: known.size,
        filename: known.filename,
    }
}

fn media_refusal(error: media::Error) -> Refusal {
    match error {
        media::Error::Invalid(reason) => Refusal::Never(reason),
        media::Error::NotFound => Refusal::Never("the attachment was deleted".to_owned()),
        media::Error::Conflict(reason) | media::Error::Unavailable(reason) | media::Error::Other(reason) => {
            Refusal::NotNow(reason)
        }
    }
}

fn message_refusal(error: messages::Error) -> Refusal {
    match error {
        messages::Error::Invalid(reason) | messages::Error::Conflict(reason) => Refusal::Never(reason),
        messages::Error::NotFound => Refusal::Never("the message was deleted".to_owned()),
        messages::Error::Unavailable(reason) | messages::Error::Other(reason) => Refusal::NotNow(reason),
    }
}
