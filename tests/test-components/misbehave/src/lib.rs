//! Does what a component must not do, path by path, and what it may do but a host could get wrong.

#[cfg(target_arch = "wasm32")]
mod held;

#[cfg(target_arch = "wasm32")]
mod component {
    use std::cell::Cell;
    use std::hash::{BuildHasher, RandomState};
    use std::hint::black_box;
    use std::time::{Duration, Instant};

    use crate::held;
    use bytes::Bytes;
    use futures::channel::mpsc::Sender;
    use futures::{SinkExt, StreamExt};
    use spin_sdk::http::body::{self, IncomingBodyExt};
    use spin_sdk::http::{BoxBody, FullBody, HeaderValue, IntoResponse, Request, Response, StatusCode, box_body, get};

    thread_local! {
        static NAME: String = format!("{:x}", RandomState::new().hash_one(()));
        static SERVED: Cell<u32> = const { Cell::new(0) };
    }

    #[spin_sdk::http_service]
    async fn handle(request: Request) -> impl IntoResponse {
        SERVED.set(SERVED.get() + 1);
        let number: u32 = request.uri().query().unwrap_or_default().parse().unwrap_or_default();
        let path =
            request.headers().get("spin-path-info").map_or("", |path| path.to_str().unwrap_or_default()).to_owned();
        match path.as_str() {
            "/ok" => text("ok"),
            "/loop" => loop_for_ever(),
            "/trap" => panic!("as I was told"),
            "/recurse" => text(recurse(u64::from(number)).to_string()),
            "/hoard" => hoard(),
            "/hold" => text(black_box(vec![1_u8; (number as usize) << 20]).len().to_string()),
            "/sleep" => sleep(number).await,
            "/echo" => echo(request),
            "/length" => text(request.into_body().bytes().await.map_or(0, |body| body.len()).to_string()),
            "/ignore-body" => text("ignored"),
            "/big-response" => stream(number),
            "/half-a-response" => half_a_response(),
            "/panic-afterwards" => panic_afterwards(),
            "/headers" => headers(number),
            "/handles" => handles(),
            "/compute" => compute(number),
            "/compute-in-turns" => compute_in_turns().await,
            "/fields" => held::fields(number),
            "/rows" => text(held::rows().await),
            "/sort" => text(held::sort().await),
            "/requests" => text(held::requests(number).await),
            "/endless" => stream(u32::MAX),
            "/background" => background(number),
            "/dive" => dive().await,
            "/instance" => text(format!("{} {}", NAME.with(String::clone), SERVED.get())),
            _ => answer(StatusCode::NOT_FOUND, "no such misbehaviour"),
        }
    }

    fn answer(status: StatusCode, text: impl Into<Bytes>) -> Response<BoxBody> {
        let mut response = Response::new(box_body(FullBody::new(text.into())));
        *response.status_mut() = status;
        response
    }

    fn text(text: impl Into<Bytes>) -> Response<BoxBody> {
        answer(StatusCode::OK, text)
    }

    fn loop_for_ever() -> ! {
        loop {
            black_box(());
        }
    }

    /// For so long by the clock, without a pause.
    fn compute(ms: u32) -> Response<BoxBody> {
        busy(Duration::from_millis(u64::from(ms)));
        text("computed")
    }

    /// Without end, a millisecond at a time.
    async fn compute_in_turns() -> Response<BoxBody> {
        loop {
            busy(Duration::from_millis(1));
            spin_sdk::time::sleep(Duration::from_micros(1)).await;
        }
    }

    fn busy(time: Duration) {
        let began = Instant::now();
        while began.elapsed() < time {
            black_box(());
        }
    }

    /// Deeper than any stack for a large `depth`.
    fn recurse(depth: u64) -> u64 {
        if black_box(depth) == 0 { 0 } else { black_box(recurse(depth - 1)) + 1 }
    }

    fn hoard() -> ! {
        let mut hoard = Vec::new();
        loop {
            hoard.push(black_box(vec![1_u8; 1 << 20]));
        }
    }

    async fn sleep(ms: u32) -> Response<BoxBody> {
        spin_sdk::time::sleep(Duration::from_millis(u64::from(ms))).await;
        text("slept")
    }

    /// Each chunk goes back as it comes, before the next one is there.
    fn echo(request: Request) -> Response<BoxBody> {
        let (mut sender, body) = body::stream::<Bytes>();
        let mut chunks = request.into_body().stream();
        wit_bindgen::spawn(async move {
            while let Some(Ok(chunk)) = chunks.next().await {
                if sender.send(chunk).await.is_err() {
                    return;
                }
            }
        });
        Response::new(box_body(body))
    }

    /// So many bytes.
    fn stream(bytes: u32) -> Response<BoxBody> {
        let (mut sender, body) = body::stream::<Bytes>();
        wit_bindgen::spawn(async move {
            send_bytes(&mut sender, bytes as usize).await;
        });
        Response::new(box_body(body))
    }

    async fn send_bytes(sender: &mut Sender<Bytes>, mut bytes: usize) {
        const CHUNK: &[u8] = &[b'x'; 16 << 10];
        while bytes > 0 {
            let chunk = &CHUNK[..bytes.min(CHUNK.len())];
            if sender.send(Bytes::from_static(chunk)).await.is_err() {
                return;
            }
            bytes -= chunk.len();
        }
    }

    /// Traps after it has begun to answer.
    fn half_a_response() -> Response<BoxBody> {
        let (mut sender, body) = body::stream::<Bytes>();
        wit_bindgen::spawn(async move {
            let sent = sender.send(Bytes::from_static(b"half")).await;
            spin_sdk::time::sleep(Duration::from_millis(20)).await;
            panic!("in the middle, {sent:?}");
        });
        Response::new(box_body(body))
    }

    /// Traps when the answer has gone out whole.
    fn panic_afterwards() -> Response<BoxBody> {
        wit_bindgen::spawn(async move {
            spin_sdk::time::sleep(Duration::from_millis(20)).await;
            panic!("after the answer");
        });
        text("answered")
    }

    /// So many headers.
    fn headers(count: u32) -> Response<BoxBody> {
        let mut response = text("ok");
        for number in 0..count {
            response.headers_mut().append("x-many", HeaderValue::from(number));
        }
        response
    }

    /// Takes handles of the host's without giving any back.
    fn handles() -> ! {
        loop {
            std::mem::forget(spin_sdk::wasip3::http::types::Fields::new());
        }
    }

    /// Answers, and works on afterwards.
    fn background(ms: u32) -> Response<BoxBody> {
        wit_bindgen::spawn(async move {
            spin_sdk::time::sleep(Duration::from_millis(u64::from(ms))).await;
            println!("worked for {ms} ms after the answer");
        });
        text("answered")
    }

    /// Asks itself the same again; the answer is how deep that went.
    async fn dive() -> Response<BoxBody> {
        match get("http://misbehave.spin.internal/dive").await {
            Ok(response) => {
                let inner = response.into_body().bytes().await.unwrap_or_default();
                let depth = std::str::from_utf8(&inner).ok().and_then(|depth| depth.parse::<u32>().ok());
                depth.map_or_else(|| answer(StatusCode::BAD_GATEWAY, inner), |depth| text((depth + 1).to_string()))
            }
            Err(_denied) => text("0"),
        }
    }
}
