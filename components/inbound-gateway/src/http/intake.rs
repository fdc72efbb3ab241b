//! Bodies on their way in. One that may be long is read as it comes: its files go to the database piece by piece, and only its words stay in
//! memory. That is for callers who have proven by the head of the request who they are; everybody else's body is a few megabytes at most.

use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderName, HeaderValue, Method};
use http_body::Body;
use http_body_util::BodyStream;
use sdk::query::Query;
use sdk::{Problem, Request, log};

use super::BODY_LIMIT_BYTES;
use crate::channel::carried::Cutter;
use crate::channel::{self, Call, Channel, Payload};
use crate::domain::Platform;
use crate::domain::delivery::DEFAULT_TENANT;
use crate::domain::directory::{self, Secret};
use crate::domain::files::{Files, Gathering, Holder};

/// Postmark takes mails of 35 MB; in JSON, with the files as base64, they are a third longer.
pub const LONG_BODY_LIMIT_BYTES: usize = 50 << 20;

/// For which delivery the body's files are stored already. Ours: nobody else's header of this name comes through.
pub(super) const STAGED: HeaderName = HeaderName::from_static("kobliat-staged-delivery");

/// What the routes see of the body.
pub async fn read<P: Platform, B>(platform: &P, request: &mut Request, body: B) -> Result<Vec<u8>, Problem>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    request.headers.remove(STAGED);
    let Some(channel) = proven(platform, request).await else {
        return sdk::http::read(body, request, BODY_LIMIT_BYTES).await;
    };
    let declared = request.header("content-length").and_then(|length| length.parse::<u64>().ok());
    if declared.is_some_and(|length| length > LONG_BODY_LIMIT_BYTES as u64) {
        return Err(Problem::too_large(LONG_BODY_LIMIT_BYTES));
    }
    let mut stage = Stage::new(platform, channel);
    match stage.read(body).await {
        Ok(slim) => {
            let id = stage.has_begun.then(|| HeaderValue::from_str(&stage.holder.delivery).ok()).flatten();
            request.headers.extend(id.map(|id| (STAGED, id)));
            Ok(slim)
        }
        Err(refusal) => {
            if stage.has_begun {
                // What cannot be removed now is left to the sweep.
                let _ = platform.store().drop_files(&stage.holder).await;
            }
            Err(refusal)
        }
    }
}

/// The channel, when its bodies may be long and the head of the request shows that the caller knows the deployment's secret, or that of
/// the account in the address. Whether it may speak for the accounts in the body is found out when the body is there.
async fn proven<P: Platform>(platform: &P, request: &Request) -> Option<&'static dyn Channel> {
    let (channel, query) = addressed(request)?;
    if request.method != Method::POST || channel.files().is_empty() || request.header("authorization").is_none() {
        return None;
    }
    let call = Call { request, urls: Vec::new(), now: platform.now() };
    let knows = |secret: &str| channel.is_authentic_by_its_head(secret, &call);
    if platform.variable(channel.secret()).await.ok()?.is_some_and(|secret| knows(&secret)) {
        return Some(channel);
    }
    let named = [channel.fallback(Payload { body: &[], query: &query })?];
    for fresh in [false, true] {
        let found = directory::find(platform, channel, &named, fresh).await.ok()?;
        let is_theirs = |secret: &Secret| matches!(secret, Secret::Own(secret) if knows(secret));
        if found.values().flat_map(|claims| &claims.0).any(|known| is_theirs(&known.secret)) {
            return Some(channel);
        }
    }
    None
}

/// `/webhooks/{channel}[/{account}]`, also below `/api`; and the account as the routes have it, in the query.
fn addressed(request: &Request) -> Option<(&'static dyn Channel, String)> {
    let path = request.path.strip_prefix("/api").unwrap_or(&request.path).strip_prefix("/webhooks/")?;
    let (channel, account) = path.split_once('/').unwrap_or((path, ""));
    let account = (!account.is_empty()).then(|| format!("account={account}"));
    let query = account.into_iter().chain(Some(request.raw_query.clone())).filter(|part| !part.is_empty());
    let query = query.collect::<Vec<_>>().join("&");
    Query::parse(&query).ok()?;
    Some((channel::find(channel)?, query))
}

/// A body whose files are being stored.
struct Stage<'a, P> {
    platform: &'a P,
    cutter: Cutter,
    gathering: Gathering,
    holder: Holder,
    /// Something is stored.
    has_begun: bool,
}

impl<'a, P: Platform> Stage<'a, P> {
    fn new(platform: &'a P, channel: &dyn Channel) -> Self {
        let holder = Holder { tenant: DEFAULT_TENANT.to_owned(), delivery: platform.new_id() };
        let (cutter, gathering) = (Cutter::new(channel.files()), Gathering::default());
        Self { platform, cutter, gathering, holder, has_begun: false }
    }

    /// All of it; answers the body without its files.
    async fn read<B>(&mut self, body: B) -> Result<Vec<u8>, Problem>
    where
        B: Body<Data = Bytes>,
    {
        let mut frames = std::pin::pin!(BodyStream::new(body));
        let (mut length, mut pieces) = (0, Vec::new());
        while let Some(frame) = frames.next().await {
            let frame = frame.map_err(|_| Problem::unreadable("the body ended early"))?;
            let Ok(bytes) = frame.into_data() else { continue };
            length += bytes.len();
            if length > LONG_BODY_LIMIT_BYTES {
                return Err(Problem::too_large(LONG_BODY_LIMIT_BYTES));
            }
            self.cutter.push(&bytes, &mut pieces);
            if self.cutter.slim_bytes() > BODY_LIMIT_BYTES {
                return Err(Problem::too_large(BODY_LIMIT_BYTES));
            }
            for piece in pieces.drain(..) {
                for stretch in self.gathering.add(piece) {
                    self.store(stretch).await?;
                }
            }
        }
        if let Some(last) = self.gathering.take() {
            self.store(last).await?;
        }
        Ok(std::mem::replace(&mut self.cutter, Cutter::new(&[])).finish())
    }

    async fn store(&mut self, stretch: crate::domain::files::Stretch) -> Result<(), Problem> {
        let store = self.platform.store();
        if !self.has_begun {
            store.begin_files(&self.holder, self.platform.now()).await.map_err(|reason| away(&reason))?;
            self.has_begun = true;
        }
        store.put_file(&self.holder, stretch).await.map_err(|reason| away(&reason))
    }
}

fn away(reason: &str) -> Problem {
    log::error(&sdk::Context::default(), reason, &[]);
    Problem::unavailable("the webhook could not be stored: send it again")
}
