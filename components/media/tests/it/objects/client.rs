//! What the host does for the component: one request by a connection of its own. It blocks, because the tests' executor waits for nothing.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::StreamBody;
use sdk::outgoing::Failure;
use spin_sdk::http::{BoxBody, box_body};

/// Of a body, so that it comes in pieces.
const PIECE_BYTES: usize = 48 << 10;

pub fn send(request: &Request<Bytes>, patience: Duration) -> Result<Response<BoxBody>, Failure> {
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => Failure::TimedOut,
        _ => Failure::Failed(error.to_string()),
    };
    let host = request.uri().authority().unwrap().as_str();
    let mut stream = TcpStream::connect(host).map_err(failed)?;
    stream.set_read_timeout(Some(patience)).unwrap();
    let target = request.uri().path_and_query().unwrap();
    let mut head = format!("{} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n", request.method());
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).map_err(failed)?;
    stream.write_all(request.body()).map_err(failed)?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).map_err(failed)?;
    let status: Option<u16> = line.split_whitespace().nth(1).and_then(|status| status.parse().ok());
    let Some(status) = status else { return Err(Failure::Failed("the connection was closed".to_owned())) };
    let mut response = Response::builder().status(status);
    let (mut length, mut is_chunked) = (None, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).map_err(failed)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse::<u64>().ok(),
            "transfer-encoding" => is_chunked = true,
            _ => {}
        }
        response = response.header(name, value.trim());
    }
    assert!(!is_chunked, "the tests' client reads no chunks");
    Ok(response.body(body(reader, length)).unwrap())
}

/// As it is read; an error when it ends early.
fn body(mut reader: BufReader<TcpStream>, length: Option<u64>) -> BoxBody {
    let mut missing = length.unwrap_or(u64::MAX);
    let pieces = std::iter::from_fn(move || {
        if missing == 0 {
            return None;
        }
        let mut piece = vec![0; PIECE_BYTES.min(usize::try_from(missing).unwrap_or(usize::MAX))];
        match reader.read(&mut piece) {
            Ok(0) if length.is_none() => None,
            Ok(0) => {
                missing = 0;
                Some(Err(std::io::Error::other("the body ended early")))
            }
            Ok(read) => {
                missing -= read as u64;
                piece.truncate(read);
                Some(Ok(http_body::Frame::data(Bytes::from(piece))))
            }
            Err(error) => Some(Err(error)),
        }
    });
    box_body(StreamBody::new(futures::stream::iter(pieces)))
}
