//! `{ url, digest }`: what came is compared with the digest, and kept by it.

use super::{LARGEST, keep};
use kobliat_factor_outbound_http::{Download, DownloadError};
use sha2::{Digest as _, Sha256};
use std::path::{Path, PathBuf};

/// The file with this digest, from here if it is here.
pub async fn have(directory: &Path, digest: &str, url: &str, progress: fn(&str)) -> Result<PathBuf, String> {
    let file = directory.join(format!("{}.wasm", digest.trim_start_matches("sha256:").to_ascii_lowercase()));
    if std::fs::read(&file).is_ok_and(|bytes| same(&digest_of(&bytes), digest)) {
        return Ok(file);
    }
    progress(&format!("Fetching {url} (once; it is kept in {})", directory.display()));
    let bytes = Download { url, largest: LARGEST }.get().await.map_err(|error| explain(url, &error))?;
    let found = digest_of(&bytes);
    if !same(&found, digest) {
        return Err(format!(
            "`{url}` answers {found}, and the manifest wants {digest}: it was changed; make sure by whom before you change the digest"
        ));
    }
    keep(directory, &file, &bytes).map_err(|error| format!("failed to keep `{}`: {error}", file.display()))?;
    Ok(file)
}

fn explain(url: &str, error: &DownloadError) -> String {
    format!("failed to fetch `{url}`: {error}")
}

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}
