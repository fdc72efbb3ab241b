//! Pictures: the right way up, small, and without what the camera wrote into them.

use image::{GenericImageView, ImageFormat};
use serde_json::json;

use crate::{TestApp, files};

crate::on_both! {
    every_format_has_a_thumbnail,
    a_picture_that_can_be_seen_through_stays_so,
    a_photograph_is_turned_and_tells_nobody_where_it_was_taken,
    a_small_picture_is_its_own_thumbnail_without_metadata,
    of_an_animation_the_first_frame_counts,
}

fn thumbnail(app: &TestApp, name: &str, bytes: &[u8]) -> (serde_json::Value, Vec<u8>) {
    let media = app.stored(name, bytes);
    let path = format!("/media/{}/content?variant=thumbnail", media["id"].as_str().unwrap());
    (media, app.get(&path).expect(200).body)
}

fn every_format_has_a_thumbnail(app: &TestApp) {
    for (format, kind) in [
        (ImageFormat::Jpeg, "image/jpeg"),
        (ImageFormat::Png, "image/png"),
        (ImageFormat::Gif, "image/gif"),
        (ImageFormat::WebP, "image/webp"),
    ] {
        let (media, small) = thumbnail(app, "a", &files::encoded(&files::picture(640, 480), format));
        assert_eq!((&media["mime_type"], &media["width"], &media["height"]), (&json!(kind), &json!(640), &json!(480)));
        let variant = json!([{ "name": "thumbnail", "mime_type": "image/jpeg", "width": 320, "height": 240, "size": small.len() }]);
        assert_eq!(media["variants"], variant, "{kind}");
        assert_eq!(image::load_from_memory(&small).unwrap().dimensions(), (320, 240));
    }
}

fn a_picture_that_can_be_seen_through_stays_so(app: &TestApp) {
    let (media, small) = thumbnail(app, "a.png", &files::encoded(&files::glass(640, 64), ImageFormat::Png));
    assert_eq!(media["variants"][0]["mime_type"], "image/png");
    let small = image::load_from_memory(&small).unwrap();
    assert_eq!((small.dimensions(), small.get_pixel(1, 1).0[3], small.get_pixel(318, 30).0[3]), ((320, 32), 0, 255));
}

fn a_photograph_is_turned_and_tells_nobody_where_it_was_taken(app: &TestApp) {
    let photograph = files::photograph(640, 320, 6);
    assert!(photograph.windows(3).any(|bytes| bytes == b"GPS"));
    let (media, small) = thumbnail(app, "a.jpg", &photograph);
    assert_eq!((&media["width"], &media["height"]), (&json!(320), &json!(640)), "upright");
    assert!(!small.windows(3).any(|bytes| bytes == b"GPS") && !small.windows(4).any(|bytes| bytes == b"Exif"));
    let small = image::load_from_memory(&small).unwrap();
    assert_eq!(small.dimensions(), (160, 320));
    let (top, bottom) = (small.get_pixel(80, 10), small.get_pixel(80, 310));
    assert!(top.0[0] > 150 && bottom.0[2] > 150, "what was left is now on top: {top:?} {bottom:?}");
}

fn a_small_picture_is_its_own_thumbnail_without_metadata(app: &TestApp) {
    let (media, small) = thumbnail(app, "a.jpg", &files::photograph(64, 32, 1));
    assert_eq!((&media["variants"][0]["width"], &media["variants"][0]["height"]), (&json!(64), &json!(32)));
    assert!(!small.windows(4).any(|bytes| bytes == b"Exif"));
}

fn of_an_animation_the_first_frame_counts(app: &TestApp) {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    let frames = [files::picture(400, 400), files::glass(400, 400)].map(|one| image::Frame::new(one.to_rgba8()));
    encoder.encode_frames(frames).unwrap();
    drop(encoder);
    let (_, small) = thumbnail(app, "a.gif", &bytes);
    assert!(image::load_from_memory(&small).unwrap().get_pixel(10, 10).0[0] > 150);
}
