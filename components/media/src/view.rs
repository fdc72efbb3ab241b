//! An attachment in the API.

use sdk::clock::rfc3339;
use serde::Serialize;

use crate::domain::{Content, Media, Variant};

#[derive(Serialize)]
pub(crate) struct View {
    id: String,
    status: &'static str,
    failure: Option<String>,
    conversation_id: Option<String>,
    owner_service: Option<String>,
    filename: String,
    mime_type: Option<String>,
    size: Option<u64>,
    sha256: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    variants: Vec<VariantView>,
    created_at: String,
    updated_at: String,
}

#[derive(Serialize)]
struct VariantView {
    name: String,
    mime_type: String,
    width: u32,
    height: u32,
    size: u64,
}

impl From<Media> for View {
    fn from(media: Media) -> Self {
        let content = media.content.as_ref();
        let (width, height) = content.and_then(|content| content.dimensions).unzip();
        Self {
            mime_type: content.map(|content| content.mime_type.clone()),
            size: content.map(|content| content.size),
            sha256: content.map(|content| content.sha256.clone()),
            variants: media.content.map(variants).unwrap_or_default(),
            id: media.id,
            status: media.status.as_str(),
            failure: media.failure,
            conversation_id: media.conversation_id,
            owner_service: media.owner_service,
            filename: media.filename,
            width,
            height,
            created_at: rfc3339(media.created_at),
            updated_at: rfc3339(media.updated_at),
        }
    }
}

fn variants(content: Content) -> Vec<VariantView> {
    let view = |variant: Variant| {
        let Variant { name, mime_type, width, height, size } = variant;
        VariantView { name, mime_type, width, height, size }
    };
    content.variants.into_iter().map(view).collect()
}
