//! Files to send: small ones that are what they say, and some that are not.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

/// Red on the left, blue on the right.
pub fn picture(width: u32, height: u32) -> DynamicImage {
    let left_or_right = |x: u32, _: u32| if x < width / 2 { Rgb([200, 0, 0]) } else { Rgb([0, 0, 200]) };
    RgbImage::from_fn(width, height, left_or_right).into()
}

/// Half of it can be seen through.
pub fn glass(width: u32, height: u32) -> DynamicImage {
    RgbaImage::from_fn(width, height, |x, _| Rgba([0, 200, 0, if x < width / 2 { 0 } else { 255 }])).into()
}

pub fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub fn png(width: u32, height: u32) -> Vec<u8> {
    encoded(&picture(width, height), ImageFormat::Png)
}

pub fn jpeg(width: u32, height: u32) -> Vec<u8> {
    encoded(&picture(width, height), ImageFormat::Jpeg)
}

/// A photograph taken with the camera held so (EXIF, 1 to 8), with a comment in it.
pub fn photograph(width: u32, height: u32, orientation: u8) -> Vec<u8> {
    let jpeg = jpeg(width, height);
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    exif.extend(b"GPS: where Ann lives");
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

/// A PNG that says it has so many pixels.
pub fn boasting_png(width: u32, height: u32) -> Vec<u8> {
    let mut png = png(1, 1);
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let sum = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&sum.to_be_bytes());
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 })
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// An archive with empty files of these names, and so many bytes before its directory.
pub fn archive(names: &[&str], filling: usize) -> Vec<u8> {
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.resize(30 + filling, 7);
    let at = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let entry = |name: &&str| {
        [b"PK\x01\x02", &[0; 24][..], &[u8::try_from(name.len()).unwrap(), 0], &[0; 16], name.as_bytes()].concat()
    };
    let directory = names.iter().flat_map(entry).collect::<Vec<u8>>();
    let length = u32::try_from(directory.len()).unwrap().to_le_bytes();
    [&bytes, &directory[..], b"PK\x05\x06", &[0; 8], &length, &at, &[0; 2]].concat()
}

pub const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\x08\0some file in an archive";
pub const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n";
