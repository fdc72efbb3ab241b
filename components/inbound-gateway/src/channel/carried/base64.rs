//! Base64 as it arrives: any alphabet, with or without padding and line ends, in pieces of any length.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Decoded in runs of this many letters: a multiple of four.
const RUN: usize = 16 << 10;

/// Holds the letters that no whole run was made of yet.
#[derive(Default)]
pub struct Decoder {
    letters: Vec<u8>,
    is_over: bool,
    is_broken: bool,
}

impl Decoder {
    /// Takes letters, and puts bytes into `out`.
    pub fn push(&mut self, text: &[u8], out: &mut Vec<u8>) {
        for byte in text {
            match byte {
                b'\r' | b'\n' | b' ' | b'\t' => {}
                b'=' => self.is_over = true,
                _ if self.is_over => self.is_broken = true,
                b'-' => self.letters.push(b'+'),
                b'_' => self.letters.push(b'/'),
                byte => self.letters.push(*byte),
            }
            if self.letters.len() == RUN {
                self.decode(out);
            }
        }
    }

    /// The last bytes. `false`: it was no base64.
    pub fn finish(mut self, out: &mut Vec<u8>) -> bool {
        self.decode(out);
        !self.is_broken
    }

    fn decode(&mut self, out: &mut Vec<u8>) {
        self.is_broken |= LENIENT.decode_vec(&self.letters, out).is_err();
        self.letters.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(pieces: &[&str]) -> Option<Vec<u8>> {
        let (mut decoder, mut out) = (Decoder::default(), Vec::new());
        pieces.iter().for_each(|piece| decoder.push(piece.as_bytes(), &mut out));
        decoder.finish(&mut out).then_some(out)
    }

    #[test]
    fn reads_every_way_of_writing_it() {
        for pieces in
            [&["aGVsbG8/Pw=="][..], &["aGVs\r\nbG8", "/", "Pw", "=="], &["aGVsbG8_Pw"], &[" aGVsbG8/ Pw = = "]]
        {
            assert_eq!(decoded(pieces).as_deref(), Some(&b"hello??"[..]), "{pieces:?}");
        }
        let long = "QUJD".repeat(RUN);
        assert_eq!(decoded(&[&long, "RA"]).unwrap().len(), 3 * RUN + 1);
    }

    #[test]
    fn refuses_what_is_none() {
        for text in ["a", "aGVsbG8*", "aGVs=bG8", "ä"] {
            assert_eq!(decoded(&[text]), None, "{text}");
        }
    }
}
