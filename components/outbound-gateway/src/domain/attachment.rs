//! A message's attachment that we keep: the provider gets a link to it that works for a while, or, by mail, the bytes.

use sdk::Context;
use serde_json::json;

use super::Platform;
use super::services::{Attachment, CallError, Message, Services, State};
use crate::provider::{Attached, Failure, Outgoing, Provider};

/// Adds it to what is sent. What a message names under `media` in its metadata comes first: there the provider's own ids are.
pub(super) async fn attach<P: Platform>(
    platform: &P,
    context: &Context,
    provider: &dyn Provider,
    message: &Message,
    outgoing: &mut Outgoing,
) -> Result<Result<(), Failure>, CallError> {
    let Some(id) = message.media_id.as_deref().filter(|_| !names_media(outgoing)) else { return Ok(Ok(())) };
    let Some(attachment) = platform.services().attachment(context, id).await? else {
        return Ok(Err(Failure::new("no_media", "the attachment was deleted")));
    };
    match attachment.state {
        State::Ready => {}
        State::Pending => return Err(CallError::Unavailable("its attachment is not here yet".to_owned())),
        State::Failed => return Ok(Err(Failure::new("no_media", "the attachment never came"))),
    }
    if outgoing.kind == "text" {
        outgoing.kind = kind(&attachment.mime_type).to_owned();
    }
    match provider.attachment_limit() {
        None => Ok(link(attachment, outgoing)),
        Some(limit) if attachment.size > limit => {
            let reason = format!("the attachment has {} bytes, this channel takes {limit}", attachment.size);
            Ok(Err(Failure::new("media_too_large", reason)))
        }
        Some(_) => {
            let bytes = platform.services().attachment_bytes(context, id).await?;
            let Attachment { filename, mime_type, .. } = attachment;
            outgoing.attached = Some(Attached { filename, mime_type, bytes });
            Ok(Ok(()))
        }
    }
}

fn names_media(outgoing: &Outgoing) -> bool {
    let media = outgoing.metadata.get("media").and_then(|media| media.as_object());
    media.is_some_and(|media| ["id", "file_id", "url", "link"].iter().any(|name| media.contains_key(*name)))
}

/// A link of ours is no use to a provider when nobody has said where the world reaches us.
fn link(attachment: Attachment, outgoing: &mut Outgoing) -> Result<(), Failure> {
    if !attachment.url.starts_with("http") {
        let reason = "providers fetch attachments from us: give the variable `public_base_url` a value";
        return Err(Failure::new("no_public_url", reason));
    }
    let Attachment { url, filename, mime_type, size, .. } = attachment;
    let media = json!({ "url": url, "filename": filename, "mime_type": mime_type, "size": size });
    outgoing.metadata.insert("media".to_owned(), media);
    Ok(())
}

/// As what a channel shows it.
fn kind(mime_type: &str) -> &'static str {
    match mime_type {
        "image/jpeg" | "image/png" => "image",
        "video/mp4" | "video/3gpp" => "video",
        other if other.starts_with("audio/") => "audio",
        _ => "document",
    }
}
