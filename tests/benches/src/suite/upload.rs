//! Files through gateway and media, against a native twin that writes the same chunks: large ones, and photographs that get a thumbnail.

use std::io::Cursor;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use image::{ImageFormat, Rgb, RgbImage};
use tempfile::TempDir;

use super::Bench;
use crate::load::Connection;
use crate::report::Report;
use crate::server::Server;
use crate::statistics::{Estimate, median};

const BOOTSTRAP: &str = "a-bootstrap-key-for-benchmarks-only";
const BOUNDARY: &str = "----boundary-of-benchmarks";
const LARGE: usize = 100 << 20;
/// 12 megapixels.
const PHOTOGRAPH: (u32, u32) = (4000, 3000);

/// The platform and its twin, warm.
struct Pair {
    ours: Server,
    twin: Server,
    _states: [TempDir; 2],
}

/// What one round costs, in seconds and in seconds of the server's CPU.
#[derive(Default)]
struct Series {
    elapsed: Vec<f64>,
    cpu: Vec<f64>,
}

pub fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let pair = Pair::start(bench)?;
    let file = |bytes: usize| {
        move |number: u64| {
            let mut file = b"%PDF-1.7\n".to_vec();
            file.extend(number.to_le_bytes());
            file.resize(bytes, b'y');
            file
        }
    };
    // The first large file fills SQLite's page cache (64 MiB), once.
    pair.rounds(bench, 1, &file(LARGE))?;
    let grown = [&pair.ours, &pair.twin].map(|server| grown(bench, server, &file(LARGE)));
    let [ours, twin] = pair.rounds(bench, bench.run.rounds, &file(LARGE))?;
    let rate = |seconds: &[f64]| LARGE as f64 / 1e6 / median(seconds);
    let rates = format!("{:.0} · {:.0} MB/s", rate(&ours.elapsed), rate(&twin.elapsed));
    report.add("upload: 100 MiB through gateway and media: ours · twin", rates, "—");
    let per_core = format!("{:.0} · {:.0} MB/s", rate(&ours.cpu), rate(&twin.cpu));
    report.add("upload: the same for a second of the server's CPU: ours · twin", per_core, "≥ 100 MB/s, or:");
    report.ratio("upload: throughput ÷ twin", Estimate::of_ratio(&twin.elapsed, &ours.elapsed), "≥ 0.3");
    let [ours, twin] = grown;
    let told = format!("{:.1} · {:.1} MB", ours? as f64 / 1e6, twin? as f64 / 1e6);
    report.add("upload: 100 MiB, peak memory over what was resident before: ours · twin", told, "≤ 32 MB");
    Ok(())
}

pub fn measure_thumbnails(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let pair = Pair::start(bench)?;
    let photograph = photograph()?;
    let file = |number: u64| {
        // What follows the picture's end is kept, and makes it another file.
        let mut file = photograph.clone();
        file.extend(number.to_le_bytes());
        file
    };
    pair.rounds(bench, 1, &file)?;
    let [ours, twin] = pair.rounds(bench, bench.run.rounds, &file)?;
    let told = |seconds: &[f64]| median(seconds) * 1e3;
    let size = photograph.len() as f64 / 1e6;
    let elapsed = format!("{:.0} · {:.0} ms", told(&ours.elapsed), told(&twin.elapsed));
    report.add(format!("thumbnail: a JPEG of 12 megapixels, {size:.1} MB, sent and kept: ours · twin"), elapsed, "—");
    let cpu = format!("{:.0} · {:.0} ms", told(&ours.cpu), told(&twin.cpu));
    report.add("thumbnail: server CPU: ours · twin", cpu, "—");
    report.ratio("thumbnail: CPU ÷ the same crate natively", Estimate::of_ratio(&ours.cpu, &twin.cpu), "≤ 3");
    Ok(())
}

impl Pair {
    fn start(bench: &Bench) -> anyhow::Result<Pair> {
        let states = [bench.state()?, bench.state()?];
        let [ours, twin] = &states;
        let variables = [format!("bootstrap_api_key={BOOTSTRAP}"), format!("media_limit_bytes={}", 2 * LARGE)];
        let ours = bench.start("kobliat", bench.platform(&bench.root.join("spin.toml"), ours.path(), &variables)?)?;
        let mut command = bench.native(&["serve-media"])?;
        command.arg("--dir").arg(twin.path());
        Ok(Pair { ours, twin: bench.start("twin, media", command)?, _states: states })
    }

    /// One after the other, each with files that no other upload has.
    fn rounds(&self, bench: &Bench, rounds: usize, file: &dyn Fn(u64) -> Vec<u8>) -> anyhow::Result<[Series; 2]> {
        let mut series = [Series::default(), Series::default()];
        for round in 0..rounds {
            let mut subjects = [(&self.ours, 0), (&self.twin, 1)];
            if round % 2 == 1 {
                subjects.reverse();
            }
            for (server, index) in subjects {
                let before = server.cpu()?;
                let elapsed = send(bench, server, file)?;
                let cpu = server.cpu()?.saturating_sub(before);
                let Some(of_server) = series.get_mut(index) else { continue };
                of_server.elapsed.push(elapsed.as_secs_f64());
                of_server.cpu.push(cpu.as_secs_f64());
            }
        }
        Ok(series)
    }
}

fn grown(bench: &Bench, server: &Server, file: &dyn Fn(u64) -> Vec<u8>) -> anyhow::Result<u64> {
    server.forget_peak()?;
    let before = server.resident()?;
    send(bench, server, file)?;
    Ok(server.peak()?.saturating_sub(before))
}

fn send(bench: &Bench, server: &Server, file: &dyn Fn(u64) -> Vec<u8>) -> anyhow::Result<Duration> {
    let number = bench.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let head =
        format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"file-{number}\"\r\n\r\n");
    let body = [head.as_bytes(), &file(number), format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat();
    let request = Request::post("/api/v1/media/upload").header("host", "127.0.0.1").header("x-api-key", BOOTSTRAP);
    let request = request.header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
    let request = request.body(Full::new(Bytes::from(body)))?;
    let began = Instant::now();
    bench.runtime.block_on(Connection::to(server.address).send(request)).context("an upload failed")?;
    Ok(began.elapsed())
}

/// With as much detail as a camera's: soft shapes, and a grain on them.
fn photograph() -> anyhow::Result<Vec<u8>> {
    let (width, height) = PHOTOGRAPH;
    let mut grain = 1_u32;
    let picture = RgbImage::from_fn(width, height, |x, y| {
        grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let soft = |scale: f32, turn: f32| ((x as f32 / scale).sin() + (y as f32 / scale + turn).cos()) * 50.0 + 110.0;
        let noise = (grain >> 28) as f32;
        Rgb([soft(180.0, 0.0) + noise, soft(90.0, 1.0) + noise, soft(37.0, 2.0) + noise].map(|value| value as u8))
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Jpeg)?;
    Ok(bytes.into_inner())
}
