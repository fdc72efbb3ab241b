//! What a JPEG's segments tell before it is unpacked: the decoder fills up what is missing, and reads as many scans as there are.

/// A progressive JPEG has about ten; each goes over the whole picture.
const MAX_SCANS: usize = 40;

const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// Refuses one that ends before its end, and one that is all work and no picture.
pub fn check(bytes: &[u8]) -> Result<(), &'static str> {
    let mut rest = first_scan(bytes).ok_or("the picture is damaged or incomplete")?;
    let mut scans = 1;
    // Within a scan, 0xff is followed by a zero or a restart marker, or it ends the scan.
    while let Some(at) = rest.iter().position(|byte| *byte == 0xff) {
        rest = rest.get(at + 1..).unwrap_or_default();
        match rest.first() {
            Some(&END_OF_IMAGE) => return Ok(()),
            Some(&START_OF_SCAN) => scans += 1,
            _ => {}
        }
        if scans > MAX_SCANS {
            return Err("the picture is drawn in too many passes");
        }
    }
    Err("the picture is incomplete")
}

/// What comes after the first start of scan. The segments before it are stepped over, because a preview in one of them has an end of its own.
fn first_scan(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.strip_prefix(&[0xff, 0xd8])?;
    loop {
        let [0xff, marker, ..] = rest else { return None };
        match marker {
            0xff => rest = rest.get(1..)?,
            &START_OF_SCAN => return rest.get(2..),
            0x01 | 0xd0..=0xd8 => rest = rest.get(2..)?,
            _ => {
                let length = u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?]);
                rest = rest.get(2 + usize::from(length.max(2))..)?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(scans: usize, ending: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8];
        // A preview with an end of its own.
        bytes.extend([0xff, 0xe1, 0, 6, 0xff, 0xd8, 0xff, 0xd9]);
        for _ in 0..scans {
            bytes.extend([0xff, START_OF_SCAN, 0, 2, 1, 2, 0xff, 0, 3]);
        }
        bytes.extend(ending);
        bytes
    }

    #[test]
    fn finds_the_end_of_the_picture_and_not_of_its_preview() {
        assert_eq!(check(&picture(10, &[0xff, 0xd9])), Ok(()));
        assert_eq!(check(&picture(1, &[0xff, 0xd9, b'M', b'P', b'4'])), Ok(()), "a film after it does no harm");
        assert!(check(&picture(10, &[])).is_err());
        assert!(check(&picture(0, &[0xff, 0xd9])).is_err());
        assert!(check(&[0xff, 0xd8]).is_err());
        assert!(check(b"").is_err());
    }

    #[test]
    fn refuses_endless_passes() {
        assert!(check(&picture(1000, &[0xff, 0xd9])).is_err());
    }
}
