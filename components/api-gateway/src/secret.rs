//! Secrets that the gateway makes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sdk::Problem;

/// Bytes from the host's secure source. That there is none is no fault of the client's.
pub fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Problem::internal())?;
    Ok(bytes)
}

/// 256 random bits, as text that needs no escaping anywhere.
pub fn token() -> Result<String, Problem> {
    Ok(URL_SAFE_NO_PAD.encode(random::<32>()?))
}
