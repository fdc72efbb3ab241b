//! `multipart/form-data`: the file, and what is said of it.

use http::{HeaderMap, Request, StatusCode, header};
use multer::{Field, Multipart};
use sdk::Problem;
use spin_sdk::http::BoxBody;

use super::{
    Refusal,
    intake::{Intake, Received},
    paced::Paced,
};
use crate::{
    domain::{self, Label},
    filename,
    http::unsupported,
};

/// Three are known.
const MAX_PARTS: usize = 8;
/// Of a field that is not the file; no known one is longer.
const MAX_FIELD_BYTES: usize = 1024;
/// What boundaries, headers and the other fields of an honest form take beside the file.
const MAX_OVERHEAD_BYTES: u64 = 64 << 10;

pub struct Form {
    parts: Multipart<'static>,
    paced: Paced,
}

#[derive(Default)]
struct Said {
    filename: Option<String>,
    conversation_id: Option<String>,
    owner_service: Option<String>,
}

impl Form {
    /// Looks at the head of the request only.
    pub fn of(request: Request<BoxBody>, limit: u64) -> Result<Self, Problem> {
        let boundary = boundary(request.headers())?;
        let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if length.is_some_and(|length: u64| length > limit.saturating_add(MAX_OVERHEAD_BYTES)) {
            return Err(Problem::too_large(usize::try_from(limit).unwrap_or(usize::MAX)));
        }
        let paced = Paced::default();
        let parts = Multipart::new(paced.stream(request.into_body()), boundary);
        Ok(Self { parts, paced })
    }

    /// Reads all of it; `intake` takes the file.
    pub async fn read(mut self, intake: Intake<'_>) -> Result<(Label, Received), Refusal> {
        let (mut said, mut intake, mut received) = (Said::default(), Some(intake), None);
        for _ in 0..MAX_PARTS {
            let Some(mut field) = self.parts.next_field().await.map_err(|e| unreadable(&e))? else {
                let received = received.ok_or_else(|| Problem::invalid_field("/file", "is required"))?;
                return Ok((said.label()?, received));
            };
            self.paced.went_on();
            if field.name() == Some("file") {
                let mut intake = intake.take().ok_or_else(|| twice("file"))?;
                said.filename = Some(filename::safe(field.file_name().unwrap_or_default()));
                while let Some(bytes) = field.chunk().await.map_err(|e| unreadable(&e))? {
                    self.paced.went_on();
                    intake.push(&bytes).await?;
                }
                received = Some(intake.finish().await?);
            } else {
                said.hear(field, &self.paced).await?;
            }
        }
        Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_many_parts", "the form has too many parts").into())
    }
}

impl Said {
    async fn hear(&mut self, field: Field<'_>, paced: &Paced) -> Result<(), Refusal> {
        let place = match field.name() {
            Some("conversation_id") => &mut self.conversation_id,
            Some("owner_service") => &mut self.owner_service,
            _ => return Err(Problem::invalid_field("", "known fields: file, conversation_id, owner_service").into()),
        };
        if place.is_some() {
            return Err(twice(field.name().unwrap_or_default()).into());
        }
        *place = Some(text(field, paced).await?);
        Ok(())
    }

    /// An empty field counts as absent.
    fn label(self) -> Result<Label, Refusal> {
        let given = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        Ok(Label {
            filename: self.filename.unwrap_or_default(),
            conversation_id: given(self.conversation_id).map(|id| domain::conversation_id(&id)).transpose()?,
            owner_service: given(self.owner_service).map(|name| domain::owner_service(&name)).transpose()?,
        })
    }
}

async fn text(mut field: Field<'_>, paced: &Paced) -> Result<String, Refusal> {
    let mut bytes = Vec::new();
    while let Some(more) = field.chunk().await.map_err(|e| unreadable(&e))? {
        paced.went_on();
        bytes.extend_from_slice(&more);
        if bytes.len() > MAX_FIELD_BYTES {
            let pointer = format!("/{}", field.name().unwrap_or_default());
            return Err(Problem::invalid_field(pointer, format!("has more than {MAX_FIELD_BYTES} bytes")).into());
        }
    }
    String::from_utf8(bytes).map_err(|_| Problem::unreadable("a field of the form is not UTF-8").into())
}

fn boundary(headers: &HeaderMap) -> Result<String, Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    multer::parse_boundary(content_type).map_err(|error| match error {
        multer::Error::NoBoundary => Problem::unreadable("the Content-Type names no boundary"),
        _ => unsupported("send multipart/form-data with a part named `file`"),
    })
}

fn twice(name: &str) -> Problem {
    Problem::invalid_field(format!("/{name}"), "is given more than once")
}

/// The parser's words are for programmers, and repeat what was sent.
fn unreadable(error: &multer::Error) -> Problem {
    Problem::unreadable(match error {
        multer::Error::IncompleteStream
        | multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders => {
            "the form ends early, or its boundary is not the one that Content-Type names"
        }
        multer::Error::StreamReadFailed(cause) if cause.is::<super::paced::Endless>() => {
            "the head of a part of the form is too long"
        }
        multer::Error::StreamReadFailed(_) => "the body ended early",
        _ => "the form is not multipart/form-data",
    })
}
