//! Files that are containers: what they are is said elsewhere than at their beginning, so it is looked up in what has arrived.

use futures::StreamExt;
use sdk::Error;

use crate::{
    range::Part,
    sniff::{
        self, ole,
        zip::{self, Stretch},
    },
    storage::Storage,
    store::uploads::Place,
};

/// The type of what has arrived.
pub async fn mime_type(
    storage: &dyn Storage<'_>,
    place: &Place,
    head: &[u8],
    size: u64,
    filename: &str,
) -> Result<&'static str, Error> {
    let by_head = sniff::mime_type(head, filename);
    if sniff::is_archive(head) && !sniff::says_itself(by_head) {
        let tail = read(storage, place, zip::tail(size)).await?;
        return Ok(match zip::directory(&tail, size) {
            Some(directory) => zip::mime_type(&read(storage, place, directory).await?),
            None => zip::ARCHIVE,
        });
    }
    match ole::directory(head, size).filter(|_| head.starts_with(ole::MAGIC)) {
        Some(directory) => {
            let directory = read(storage, place, directory).await?;
            Ok(ole::mime_type(&directory).unwrap_or(ole::CONTAINER))
        }
        None => Ok(by_head),
    }
}

/// Both are bounded by who asks.
async fn read(storage: &dyn Storage<'_>, place: &Place, stretch: Stretch) -> Result<Vec<u8>, Error> {
    let Some(last) = stretch.length.checked_sub(1).map(|length| stretch.at + length) else { return Ok(Vec::new()) };
    let mut pieces = storage.read(place.clone(), None, Part { first: stretch.at, last }).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece.map_err(|error| Error::Unavailable(error.to_string()))?);
    }
    Ok(bytes)
}
