//! What a simulated customer sends: words, a picture, a voice note; and the bytes of the latter two.

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Text(String),
    Image { asset: Asset, caption: Option<String> },
    Voice { asset: Asset },
}

impl Content {
    /// The words in it; a voice note has none.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Image { caption, .. } => caption.as_deref(),
            Self::Voice { .. } => None,
        }
    }

    /// The same with other words; a voice note stays as it is.
    #[must_use]
    pub fn saying(self, words: String) -> Self {
        match self {
            Self::Text(_) => Self::Text(words),
            Self::Image { asset, .. } => Self::Image { asset, caption: Some(words) },
            voice @ Self::Voice { .. } => voice,
        }
    }

    /// The platform's word for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Image { .. } => "image",
            Self::Voice { .. } => "audio",
        }
    }

    pub fn asset(&self) -> Option<Asset> {
        match self {
            Self::Text(_) => None,
            Self::Image { asset, .. } | Self::Voice { asset } => Some(*asset),
        }
    }

    /// As the history of a conversation tells it.
    pub fn shown(&self) -> String {
        match (self.text(), self.kind()) {
            (Some(text), "text") => text.to_owned(),
            (Some(text), kind) => format!("[{kind}] {text}"),
            (None, kind) => format!("[{kind}]"),
        }
    }

    pub fn json(&self) -> Value {
        json!({ "type": self.kind(), "text": self.text(), "mime_type": self.asset().map(Asset::mime_type) })
    }
}

/// Small files that are whole: whoever looks into them finds what their type promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asset {
    Photo,
    Note,
}

impl Asset {
    pub const ALL: &[Self] = &[Self::Photo, Self::Note];

    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::Photo => include_bytes!("../media/photo.png"),
            Self::Note => include_bytes!("../media/note.ogg"),
        }
    }

    pub fn mime_type(self) -> &'static str {
        match self {
            Self::Photo => "image/png",
            Self::Note => "audio/ogg",
        }
    }

    pub fn sha256(self) -> [u8; 32] {
        Sha256::digest(self.bytes()).into()
    }

    /// A media id as Meta gives one, digits only; the asset can be told from it, so that nothing needs to be stored.
    pub fn media_id(self, number: u64) -> String {
        format!("{MEDIA_PREFIX}{}{:011}", self.digit(), number % 100_000_000_000)
    }

    /// The asset behind a media id of ours.
    pub fn of_media_id(id: &str) -> Option<Self> {
        let rest = id.strip_prefix(MEDIA_PREFIX)?;
        let is_ours = rest.len() == 12 && rest.bytes().all(|byte| byte.is_ascii_digit());
        Self::ALL.iter().copied().find(|asset| is_ours && rest.starts_with(asset.digit()))
    }

    fn digit(self) -> &'static str {
        match self {
            Self::Photo => "1",
            Self::Note => "2",
        }
    }
}

const MEDIA_PREFIX: &str = "9990";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_what_they_say() {
        assert!(Asset::Photo.bytes().starts_with(b"\x89PNG\r\n\x1a\n"));
        assert!(Asset::Note.bytes().starts_with(b"OggS") && Asset::Note.bytes().get(28..36) == Some(b"OpusHead"));
    }

    #[test]
    fn a_media_id_leads_back_to_its_file() {
        for asset in Asset::ALL {
            for number in [0, 7, u64::MAX] {
                assert_eq!(Asset::of_media_id(&asset.media_id(number)), Some(*asset));
            }
        }
        for other in ["", "9990", "999010000000000", "9990100000000000x", "9990300000000000", "1037543291543636"] {
            assert_eq!(Asset::of_media_id(other), None, "{other}");
        }
    }
}
