//! One attempt to fetch a file: from the provider, through us, into `media`, without ever being in memory whole.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sdk::Context;
use serde_json::Value;

use super::source::Place;
use super::{Answer, Fetched, Medium, Outside, Refusal, Wanted, hosts};
use crate::domain::files::Holder;

/// WhatsApp's description of a file has some 400 bytes.
const MAX_DESCRIPTION_BYTES: usize = 16 << 10;
const GONE: &str = "the provider does not have the file any more";
/// Twilio redirects once.
const MAX_REDIRECTS: usize = 3;

/// Where a file is now, and who may have it.
struct Target {
    url: String,
    /// None, where the address itself is the secret.
    authorization: Option<String>,
    /// To whom the credential belongs.
    origin: String,
    /// Good for minutes only: not to be found there says nothing of the file.
    is_short_lived: bool,
    sha256: Option<String>,
}

/// Why an attempt ends without a file.
enum Stop {
    Failed(String),
    Later(String),
}

/// Whatever comes of it, it may be done again: `media` keeps the first file that comes under an id.
pub async fn attempt<O: Outside>(outside: &O, context: &Context, wanted: &Wanted) -> (Option<Medium>, Fetched) {
    let medium = match outside.expect(context.clone(), wanted).await {
        Ok(medium) if medium.is_ready => return (Some(medium.clone()), Fetched::Ready(medium)),
        Ok(medium) => medium,
        Err(Refusal::Never(reason)) => return (None, Fetched::Failed(reason)),
        Err(Refusal::NotNow(reason)) => return (None, Fetched::Later(reason)),
    };
    let fetched = match fetch(outside, context, wanted, &medium.id).await {
        Ok(ready) => Fetched::Ready(ready),
        Err(Stop::Failed(reason)) => Fetched::Failed(reason),
        Err(Stop::Later(reason)) => Fetched::Later(reason),
    };
    (Some(medium), fetched)
}

async fn fetch<O: Outside>(outside: &O, context: &Context, wanted: &Wanted, id: &str) -> Result<Medium, Stop> {
    let target = match &wanted.source.place {
        Place::WhatsApp { id } => whatsapp(outside, wanted, id).await?,
        Place::Twilio { url } => twilio(outside, wanted, url).await?,
        Place::Telegram { id } => telegram(outside, wanted, id).await?,
        Place::Carried { delivery, file } => {
            let holder = Holder { tenant: wanted.tenant.clone(), delivery: delivery.clone() };
            let carried = outside.carried(holder, *file).await.map_err(Stop::Later)?;
            let carried = carried.ok_or_else(|| Stop::Failed("the file went with its webhook".to_owned()))?;
            return keep(outside, context, id, carried, None).await;
        }
    };
    let file = download(outside, &target).await?;
    keep(outside, context, id, file, target.sha256.as_deref()).await
}

async fn keep<O: Outside>(
    outside: &O,
    context: &Context,
    id: &str,
    file: Answer<O::File>,
    sha256: Option<&str>,
) -> Result<Medium, Stop> {
    match outside.keep(context.clone(), id, file, sha256).await {
        Ok(medium) => Ok(medium),
        Err(Refusal::Never(reason)) => Err(Stop::Failed(reason)),
        Err(Refusal::NotNow(reason)) => Err(Stop::Later(reason)),
    }
}

/// The URL is good for five minutes: each attempt asks for a new one.
async fn whatsapp<O: Outside>(outside: &O, wanted: &Wanted, id: &str) -> Result<Target, Stop> {
    let origin = setting(outside, "whatsapp_api_base_url").await?;
    let version = setting(outside, "whatsapp_api_version").await?;
    let authorization = format!("Bearer {}", credential(outside, wanted, "access_token").await?);
    let url = format!("{origin}/{version}/{id}");
    let answer = outside.get(&url, Some(&authorization)).await.map_err(Stop::Later)?;
    let status = answer.status;
    let described = described(outside, answer).await?;
    // Meta's words for an id that is nobody's, or not any more.
    if status == 400 && described.pointer("/error/code").and_then(Value::as_i64) == Some(100) {
        return Err(Stop::Failed(GONE.to_owned()));
    }
    is_good(status)?;
    let url = described
        .get("url")
        .and_then(Value::as_str)
        .ok_or_else(|| Stop::Later("the provider names no URL".to_owned()))?;
    // What the provider says now counts; what the webhook said does when it says nothing.
    let sha256 = described.get("sha256").and_then(Value::as_str).and_then(super::source::hexadecimal);
    let sha256 = sha256.or_else(|| wanted.source.sha256.clone());
    Ok(Target { url: url.to_owned(), authorization: Some(authorization), origin, is_short_lived: true, sha256 })
}

async fn described<O: Outside>(outside: &O, answer: Answer<O::File>) -> Result<Value, Stop> {
    let described = outside.read(answer.file, MAX_DESCRIPTION_BYTES).await.map_err(Stop::Later)?;
    Ok(serde_json::from_slice(&described).unwrap_or_default())
}

/// The path is good for an hour. The bot's token is in both addresses, as Telegram has it: no reason may repeat one.
async fn telegram<O: Outside>(outside: &O, wanted: &Wanted, id: &str) -> Result<Target, Stop> {
    let origin = setting(outside, "telegram_api_base_url").await?;
    let token = credential(outside, wanted, "bot_token").await?;
    let answer = outside.get(&format!("{origin}/bot{token}/getFile?file_id={id}"), None).await.map_err(Stop::Later)?;
    match answer.status {
        // More than 20 MB, which bots may not have, or an id of another bot.
        400 => return Err(Stop::Failed("Telegram does not give the file to bots".to_owned())),
        // An unknown token.
        404 => return Err(Stop::Later("the provider refuses our credentials".to_owned())),
        status => is_good(status)?,
    }
    let described = described(outside, answer).await?;
    let path = described.pointer("/result/file_path").and_then(Value::as_str).filter(|path| is_path(path));
    let path = path.ok_or_else(|| Stop::Later("the provider names no file".to_owned()))?;
    let url = format!("{origin}/file/bot{token}/{path}");
    Ok(Target { url, authorization: None, origin, is_short_lived: true, sha256: None })
}

/// `photos/file_1.jpg`: it leads nowhere but below the bot's files.
fn is_path(path: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    path.split('/').all(|segment| segment.bytes().all(is_plain) && segment.bytes().any(|b| b != b'.'))
}

async fn twilio<O: Outside>(outside: &O, wanted: &Wanted, url: &str) -> Result<Target, Stop> {
    let origin = setting(outside, "twilio_api_base_url").await?;
    let account = credential(outside, wanted, "account_sid").await?;
    let token = credential(outside, wanted, "auth_token").await?;
    let authorization = format!("Basic {}", STANDARD.encode(format!("{account}:{token}")));
    let (url, authorization) = (url.to_owned(), Some(authorization));
    Ok(Target { url, authorization, origin, is_short_lived: false, sha256: None })
}

async fn download<O: Outside>(outside: &O, target: &Target) -> Result<Answer<O::File>, Stop> {
    let mut url = target.url.clone();
    for _ in 0..=MAX_REDIRECTS {
        let uri = hosts::check(&url, std::slice::from_ref(&target.origin)).map_err(Stop::Failed)?;
        // WhatsApp's files are elsewhere than its API and want its token all the same; a redirect takes none along.
        let is_theirs = url == target.url || hosts::is_origin(&uri, &target.origin);
        let authorization = target.authorization.as_deref().filter(|_| is_theirs);
        let answer = outside.get(&url, authorization).await.map_err(Stop::Later)?;
        match (answer.status, &answer.location) {
            (301 | 302 | 303 | 307 | 308, Some(location)) => url = joined(&uri, location),
            (404 | 410, _) if target.is_short_lived => {
                return Err(Stop::Later("the provider's URL was too old".to_owned()));
            }
            (status, _) => {
                is_good(status)?;
                return Ok(answer);
            }
        }
    }
    Err(Stop::Failed("the provider redirects without end".to_owned()))
}

fn joined(base: &http::Uri, location: &str) -> String {
    match (location.starts_with('/') && !location.starts_with("//"), base.scheme_str(), base.authority()) {
        (true, Some(scheme), Some(authority)) => format!("{scheme}://{authority}{location}"),
        _ => location.to_owned(),
    }
}

/// A file that is gone stays gone; a refused credential may be put right.
fn is_good(status: u16) -> Result<(), Stop> {
    match status {
        200 => Ok(()),
        404 | 410 => Err(Stop::Failed(GONE.to_owned())),
        401 | 403 => Err(Stop::Later("the provider refuses our credentials".to_owned())),
        status => Err(Stop::Later(format!("the provider answers {status}"))),
    }
}

async fn setting<O: Outside>(outside: &O, name: &str) -> Result<String, Stop> {
    let value = outside.setting(name).await.map(|value| value.trim_end_matches('/').to_owned());
    value.ok_or_else(|| Stop::Later(format!("the variable `{name}` has no value")))
}

async fn credential<O: Outside>(outside: &O, wanted: &Wanted, name: &str) -> Result<String, Stop> {
    let found = outside.credential(wanted, name).await.map_err(Stop::Later)?;
    found.ok_or_else(|| Stop::Later(format!("the channel account has no `{name}`")))
}
