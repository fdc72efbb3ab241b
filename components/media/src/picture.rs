//! Pictures: their dimensions the right way up, a thumbnail without the original's metadata, and the refusal of what is broken or a trap.

mod jpeg;

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, codecs::jpeg::JpegEncoder};

/// Each way, in pixels.
const THUMBNAIL_PIXELS: u32 = 320;
/// 1 to 100. Small pictures show artefacts below it.
const JPEG_QUALITY: u8 = 82;
/// 200-megapixel telephones exist; what claims more is a trap.
const MAX_PIXELS: u64 = 256_000_000;
/// Of a larger one there is no thumbnail. A progressive JPEG takes nine bytes a pixel while it is unpacked, which is what the component's
/// memory limit in spin.toml has room for.
const MAX_UNPACKED_PIXELS: u64 = 26_000_000;
/// What one buffer of a decoder may take: 26 million pixels of 8 bytes.
const MAX_BUFFER_BYTES: u64 = 208_000_000;
/// A larger file is not read into memory.
pub const MAX_FILE_BYTES: u64 = 32 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    /// None of a picture that is too large to unpack.
    pub thumbnail: Option<Thumbnail>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    pub mime_type: &'static str,
    pub width: u32,
    pub height: u32,
    pub bytes: Vec<u8>,
}

/// Why a picture is not taken; told to who sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused(pub String);

/// The formats that are unpacked.
pub fn format(mime_type: &str) -> Option<ImageFormat> {
    match mime_type {
        "image/jpeg" => Some(ImageFormat::Jpeg),
        "image/png" => Some(ImageFormat::Png),
        "image/gif" => Some(ImageFormat::Gif),
        "image/webp" => Some(ImageFormat::WebP),
        _ => None,
    }
}

/// Looks at the header first: nothing is unpacked that is too large. Of a GIF, the first frame counts.
pub fn examine(format: ImageFormat, bytes: &[u8]) -> Result<Picture, Refused> {
    if format == ImageFormat::Jpeg {
        jpeg::check(bytes).map_err(|reason| Refused(reason.to_owned()))?;
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits());
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > MAX_PIXELS {
        return Err(Refused(format!("the picture has {width} × {height} pixels; at most {MAX_PIXELS} are taken")));
    }
    // Orientation is a hint of the camera: one that cannot be read leaves the picture as it is.
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let is_turned = orientation.to_exif() > 4;
    let (upright_width, upright_height) = if is_turned { (height, width) } else { (width, height) };
    let thumbnail = if pixels > MAX_UNPACKED_PIXELS {
        None
    } else {
        let mut small = shrunk(DynamicImage::from_decoder(decoder).map_err(refused)?);
        small.apply_orientation(orientation);
        Some(encoded(&small)?)
    };
    Ok(Picture { width: upright_width, height: upright_height, thumbnail })
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_BUFFER_BYTES);
    limits
}

/// Turned afterwards, when there is less to turn. A picture that is small already is only encoded anew, which drops its metadata.
fn shrunk(picture: DynamicImage) -> DynamicImage {
    let is_small = picture.width() <= THUMBNAIL_PIXELS && picture.height() <= THUMBNAIL_PIXELS;
    if is_small { picture } else { picture.thumbnail(THUMBNAIL_PIXELS, THUMBNAIL_PIXELS) }
}

/// JPEG, or PNG where there is something to see through.
fn encoded(small: &DynamicImage) -> Result<Thumbnail, Refused> {
    let mut bytes = Vec::new();
    let is_transparent = small.color().has_alpha() && small.to_rgba8().pixels().any(|pixel| pixel.0[3] != u8::MAX);
    let (mime_type, written) = if is_transparent {
        ("image/png", DynamicImage::from(small.to_rgba8()).write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png))
    } else {
        ("image/jpeg", JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode_image(&small.to_rgb8()))
    };
    written.map_err(refused)?;
    Ok(Thumbnail { mime_type, width: small.width(), height: small.height(), bytes })
}

fn refused(error: ImageError) -> Refused {
    Refused(match error {
        ImageError::Limits(_) => "the picture takes more memory to unpack than is allowed".to_owned(),
        ImageError::Unsupported(_) => "the picture is of a kind that is not supported".to_owned(),
        _ => "the picture is damaged or incomplete".to_owned(),
    })
}
