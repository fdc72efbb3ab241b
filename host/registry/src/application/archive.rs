//! Layers that hold many files: an application with more files than a registry takes layers has them in a compressed archive.

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use std::io::{Error, ErrorKind, Read, Result};
use std::path::{Path, PathBuf};
use tar::{Archive, EntryType};

pub const MEDIA_TYPE: &str = "application/vnd.wasm.content.bundle.v1.tar+gzip";

/// Writes the files into `directory`, each by its digest, whatever it is called in the archive. They have at most `most` bytes in all.
pub fn unpack(bytes: &[u8], directory: &Path, most: u64) -> Result<Vec<(String, PathBuf)>> {
    let mut archive = Archive::new(GzDecoder::new(bytes).take(most));
    let (mut files, mut left) = (Vec::new(), most);
    for entry in archive.entries()? {
        let entry = entry?;
        if entry.header().entry_type() != EntryType::Regular {
            continue;
        }
        left = left.checked_sub(entry.size()).ok_or_else(|| Error::new(ErrorKind::InvalidData, "it is too large"))?;
        let mut content = Vec::new();
        entry.take(most).read_to_end(&mut content)?;
        let digest = hex::encode(Sha256::digest(&content));
        let file = directory.join(&digest);
        std::fs::write(&file, &content)?;
        files.push((format!("sha256:{digest}"), file));
    }
    Ok(files)
}
