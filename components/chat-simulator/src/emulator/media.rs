//! The providers' files: what is uploaded, where it is for how long, and what can be wrong with what is fetched.

use futures::{future::ready, stream::once};
use multer::Multipart;
use sdk::Micros;
use sha2::{Digest, Sha256};

use super::Knobs;
use crate::dice::Dice;

/// Throws of the calls for files; other calls are another purpose.
const FILES: u64 = 1 << 34;
/// Meta's own.
const URL_LIVES: Micros = 300_000_000;
const MICROS_PER_SECOND: Micros = 1_000_000;

/// A file that was uploaded.
#[derive(Debug)]
pub struct File {
    pub mime_type: String,
    pub bytes: Vec<u8>,
}

impl File {
    /// In hex, as Meta tells it.
    pub fn sha256(&self) -> String {
        hex::encode(Sha256::digest(&self.bytes))
    }

    /// Digits only; the same file has the same.
    pub fn id(&self) -> String {
        let digest = Sha256::digest(&self.bytes);
        let number = digest.iter().take(7).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        format!("9991{:012}", number % 1_000_000_000_000)
    }
}

/// The upload's form, or what Meta says is wrong with it.
pub async fn read(content_type: &str, body: Vec<u8>) -> Result<File, String> {
    let boundary = multer::parse_boundary(content_type).map_err(|_| "The parameter file is required.".to_owned())?;
    let body: Result<_, std::convert::Infallible> = Ok(body);
    let mut form = Multipart::new(once(ready(body)), boundary);
    let (mut file, mut product) = (None, None);
    while let Some(field) = form.next_field().await.map_err(|_| "The form cannot be read.".to_owned())? {
        let (name, mime_type) = (field.name().map(str::to_owned), field.content_type().map(ToString::to_string));
        let bytes = field.bytes().await.map_err(|_| "The form cannot be read.".to_owned())?;
        match name.as_deref() {
            Some("file") => {
                let mime_type = mime_type.unwrap_or_else(|| "application/octet-stream".to_owned());
                file = Some(File { mime_type, bytes: bytes.to_vec() });
            }
            Some("messaging_product") => product = Some(bytes),
            _ => {}
        }
    }
    if product.as_deref() != Some(b"whatsapp") {
        return Err("The parameter messaging_product is required.".to_owned());
    }
    file.filter(|file| !file.bytes.is_empty()).ok_or_else(|| "The parameter file is required.".to_owned())
}

/// What is wrong with one call for a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trouble {
    /// 503, and nothing else.
    pub fails: bool,
    /// The address that is told is no good any more.
    pub is_expired: bool,
    pub has_wrong_hash: bool,
    /// Half of the bytes.
    pub is_truncated: bool,
    /// They come after the knob's time.
    pub is_slow: bool,
}

/// Of call `number`.
pub fn trouble(knobs: &Knobs, number: u64) -> Trouble {
    let mut dice = Dice::new(knobs.seed, FILES.wrapping_add(number));
    Trouble {
        fails: dice.chance(knobs.media_error_rate),
        is_expired: dice.chance(knobs.media_expired_rate),
        has_wrong_hash: dice.chance(knobs.media_wrong_hash_rate),
        is_truncated: dice.chance(knobs.media_truncated_rate),
        is_slow: dice.chance(knobs.media_slow_rate),
    }
}

/// Until when an address is good, as it says in its query: Unix seconds.
pub fn expiry(now: Micros, is_expired: bool) -> Micros {
    let lives = if is_expired { -MICROS_PER_SECOND } else { URL_LIVES };
    now.saturating_add(lives) / MICROS_PER_SECOND
}

pub fn is_good(expiry: Option<&str>, now: Micros) -> bool {
    expiry.and_then(|seconds| seconds.parse::<Micros>().ok()).is_some_and(|seconds| now / MICROS_PER_SECOND <= seconds)
}

#[cfg(test)]
mod tests {
    use sdk::testing::block_on;

    use super::*;

    fn form(fields: &str) -> Result<File, String> {
        let body = format!("{}--b--\r\n", fields.replace('\n', "\r\n"));
        block_on(read("multipart/form-data; boundary=b", body.into_bytes()))
    }

    const PRODUCT: &str = "--b\nContent-Disposition: form-data; name=\"messaging_product\"\n\nwhatsapp\n";
    const FILE: &str =
        "--b\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\nContent-Type: image/png\n\nbytes\n";

    #[test]
    fn reads_what_meta_takes() {
        let file = form(&format!("{PRODUCT}{FILE}")).unwrap();
        assert_eq!((file.mime_type.as_str(), file.bytes.as_slice()), ("image/png", &b"bytes"[..]));
        assert!(file.id().starts_with("9991") && file.id().len() == 16);
    }

    #[test]
    fn refuses_what_meta_refuses() {
        assert!(form(PRODUCT).unwrap_err().contains("file"));
        assert!(form(FILE).unwrap_err().contains("messaging_product"));
        assert!(form("--b\nContent-Disp").is_err(), "cut off");
        assert!(block_on(read("application/json", Vec::new())).is_err());
    }

    #[test]
    fn an_address_is_good_for_five_minutes() {
        let (now, minute) = (1_749_416_383_000_000, 60_000_000);
        let until = expiry(now, false).to_string();
        assert!(is_good(Some(&until), now + 4 * minute) && !is_good(Some(&until), now + 6 * minute));
        assert!(!is_good(Some(&expiry(now, true).to_string()), now));
        assert!(!is_good(None, now) && !is_good(Some("soon"), now));
    }

    #[test]
    fn nothing_is_wrong_by_default_and_the_same_each_time_where_it_is() {
        assert!((0..100).all(|number| trouble(&Knobs::default(), number) == Trouble::default()));
        let knobs = Knobs { seed: 7, media_truncated_rate: 0.5, ..Knobs::default() };
        let all: Vec<Trouble> = (0..100).map(|number| trouble(&knobs, number)).collect();
        assert!(all.iter().any(|one| one.is_truncated) && !all.iter().all(|one| one.is_truncated));
        assert_eq!(all, (0..100).map(|number| trouble(&knobs, number)).collect::<Vec<_>>());
    }
}
