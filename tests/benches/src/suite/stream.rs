//! Large bodies through a guest: how fast, and whether the host's memory stays where it was.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use super::{Bench, hello::get};
use crate::load::Connection;
use crate::report::Report;
use crate::server::Server;
use crate::statistics::median;

const SMALL: usize = 1 << 20;
const LARGE: usize = 64 << 20;

/// What may come on top for a body that is 64 times as large: buffers, not bodies.
const FLAT: u64 = 8 << 20;

pub fn measure(bench: &Bench, report: &mut Report) -> anyhow::Result<()> {
    let state = bench.state()?;
    let manifest = bench.root.join("tests/runtime/streaming/spin.toml");
    let server = bench.start("kobliat", bench.platform(&manifest, state.path(), &[])?)?;
    let down = |bytes: usize| get(&format!("/big-response?{bytes}"));
    let both = |bytes: usize| {
        let body = Full::new(Bytes::from(vec![b'y'; bytes]));
        Request::post("/echo").header("host", "127.0.0.1").body(body).expect("a valid request")
    };
    one(bench, report, &server, "a response", &down)?;
    one(bench, report, &server, "a request and its echo", &both)
}

fn one(
    bench: &Bench,
    report: &mut Report,
    server: &Server,
    what: &str,
    request: &dyn Fn(usize) -> Request<Full<Bytes>>,
) -> anyhow::Result<()> {
    let send = |bytes: usize| -> anyhow::Result<Duration> {
        let began = Instant::now();
        let body = bench.runtime.block_on(Connection::to(server.address).send(request(bytes)))?;
        anyhow::ensure!(body.len() == bytes, "{} bytes came instead of {bytes}", body.len());
        Ok(began.elapsed())
    };
    send(SMALL)?;
    server.forget_peak()?;
    send(SMALL)?;
    let before = server.peak()?;
    let rates = (0..bench.run.rounds).map(|_| Ok(LARGE as f64 / 1e6 / send(LARGE)?.as_secs_f64()));
    let rates = rates.collect::<anyhow::Result<Vec<f64>>>()?;
    let grown = server.peak()?.saturating_sub(before);
    report.add(format!("stream: {what} of 64 MiB"), format!("{:.0} MB/s", median(&rates)), "—");
    let told = format!("{:.1} MB", grown as f64 / 1e6);
    let target = format!("≤ {:.1} MB", FLAT as f64 / 1e6);
    report.add(format!("stream: {what} of 64 MiB, peak memory over that of 1 MiB"), told, target);
    Ok(())
}
