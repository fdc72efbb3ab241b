//! What an archive or an old office document is, by a directory that may say anything.
#![no_main]

use libfuzzer_sys::fuzz_target;
use media::sniff::{ole, zip};

fuzz_target!(|data: &[u8]| {
    let size = data.len() as u64;
    let cut = |stretch: zip::Stretch| {
        let at = usize::try_from(stretch.at).expect("it is in the file");
        data.get(at..at + usize::try_from(stretch.length).expect("it is in the file")).expect("it is in the file")
    };
    if let Some(directory) = zip::directory(cut(zip::tail(size)), size) {
        zip::mime_type(cut(directory));
    }
    if let Some(directory) = ole::directory(data, size) {
        ole::mime_type(cut(directory));
    }
    media::sniff::mime_type(data, "a.doc");
});
