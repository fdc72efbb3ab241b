//! The bearer token of the TCP listener: made once, in a file that only its owner reads.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq;

pub struct Token(String);

/// Where the token of a state directory is.
pub fn token_file(state_dir: &Path) -> PathBuf {
    state_dir.join("admin-token")
}

impl Token {
    /// Reads the token, or makes one of 256 bits.
    pub fn in_state_dir(state_dir: &Path) -> io::Result<Self> {
        let path = token_file(state_dir);
        if let Some(token) = read(&path)? {
            return Ok(Self(token));
        }
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
        let token = hex::encode(bytes);
        kobliat_private_files::write(&path, format!("{token}\n").as_bytes())?;
        Ok(Self(token))
    }

    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let given = given.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        given.as_bytes().ct_eq(self.0.as_bytes()).into()
    }

    pub fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

/// `None` when there is none yet. An empty file is a start that was cut off.
fn read(path: &Path) -> io::Result<Option<String>> {
    let mut text = String::new();
    match std::fs::File::open(path) {
        Ok(file) => file.take(4096).read_to_string(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let token = text.trim();
    Ok((!token.is_empty()).then(|| token.to_owned()))
}
