//! Serves HTTP by WASI 0.2, with plain wit-bindgen and no SDK: one synchronous call for each request.

#[cfg(target_arch = "wasm32")]
mod component {
    use std::cell::Cell;

    use wasip2::http::types::{
        Fields, IncomingRequest, Method, OutgoingBody, OutgoingRequest, OutgoingResponse, ResponseOutparam, Scheme,
    };
    use wasip2::io::streams::StreamError;

    thread_local! {
        static SERVED: Cell<u32> = const { Cell::new(0) };
    }

    struct Component;

    wasip2::http::proxy::export!(Component);

    impl wasip2::exports::http::incoming_handler::Guest for Component {
        fn handle(request: IncomingRequest, out: ResponseOutparam) {
            SERVED.set(SERVED.get() + 1);
            let path = request.path_with_query().unwrap_or_default();
            let (path, query) = path.split_once('?').unwrap_or((&path, ""));
            match path.rsplit('/').next().unwrap_or_default() {
                "served" => answer(out, 200, SERVED.get().to_string().as_bytes()),
                "echo" => echo(request, out),
                "flood" => flood(out, query.parse().unwrap_or_default()),
                "ask" => ask(out, query),
                "trap" => panic!("as I was told"),
                "silent" => drop(out),
                "loop" => loop {
                    std::hint::black_box(());
                },
                _ => answer(out, 404, b"no such path"),
            }
        }
    }

    fn begin(out: ResponseOutparam, status: u16) -> OutgoingBody {
        let response = OutgoingResponse::new(Fields::new());
        response.set_status_code(status).expect("a status");
        let body = response.body().expect("the body, once");
        ResponseOutparam::set(out, Ok(response));
        body
    }

    fn answer(out: ResponseOutparam, status: u16, bytes: &[u8]) {
        let body = begin(out, status);
        {
            let stream = body.write().expect("the stream, once");
            stream.blocking_write_and_flush(bytes).expect("somebody reads");
        }
        OutgoingBody::finish(body, None).expect("the end");
    }

    /// Each chunk goes back as it comes.
    fn echo(request: IncomingRequest, out: ResponseOutparam) {
        let incoming = request.consume().expect("the body, once");
        let input = incoming.stream().expect("the stream, once");
        let body = begin(out, 200);
        {
            let output = body.write().expect("the stream, once");
            loop {
                match input.blocking_read(4096) {
                    Ok(bytes) => output.blocking_write_and_flush(&bytes).expect("somebody reads"),
                    Err(StreamError::Closed) => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        OutgoingBody::finish(body, None).expect("the end");
    }

    /// So many bytes, more than any buffer holds.
    fn flood(out: ResponseOutparam, mut bytes: usize) {
        let body = begin(out, 200);
        {
            let output = body.write().expect("the stream, once");
            while bytes > 0 {
                let length = bytes.min(4096);
                if output.blocking_write_and_flush(&vec![b'x'; length]).is_err() {
                    return;
                }
                bytes -= length;
            }
        }
        OutgoingBody::finish(body, None).expect("the end");
    }

    /// Asks another component and answers with its status and body.
    fn ask(out: ResponseOutparam, host: &str) {
        let request = OutgoingRequest::new(Fields::new());
        request.set_method(&Method::Get).expect("a method");
        request.set_scheme(Some(&Scheme::Http)).expect("a scheme");
        request.set_authority(Some(host)).expect("a host");
        request.set_path_with_query(Some("/ok")).expect("a path");
        let asked = match wasip2::http::outgoing_handler::handle(request, None) {
            Ok(asked) => asked,
            Err(error) => return answer(out, 502, error.to_string().as_bytes()),
        };
        asked.subscribe().block();
        match asked.get() {
            Some(Ok(Ok(response))) => {
                let body = response.consume().expect("the body, once");
                let bytes = body.stream().expect("the stream, once").blocking_read(4096).unwrap_or_default();
                answer(out, response.status(), &bytes);
            }
            Some(Ok(Err(error))) => answer(out, 502, error.to_string().as_bytes()),
            _ => answer(out, 500, b"no answer after the wait"),
        }
    }
}
