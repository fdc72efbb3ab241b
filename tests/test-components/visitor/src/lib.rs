//! Looks at its files and connects to others: `/read?path`, `/write?path`, `/list?path`, `/connect?address`, `/send?address`,
//! `/listen?address`, `/resolve?name` by WASI 0.2, which Rust's own library uses; the same with `-p3` at the end by WASI 0.3.

#[cfg(target_arch = "wasm32")]
mod component {
    use spin_sdk::http::{IntoResponse, Request};
    use std::fs;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};

    mod p3;

    #[spin_sdk::http_service]
    async fn handle(request: Request) -> impl IntoResponse {
        let argument = request.uri().query().unwrap_or_default().to_owned();
        let path = request.headers().get("spin-path-info").map_or("", |path| path.to_str().unwrap_or_default());
        match path {
            "/read" => show(fs::read_to_string(&argument)),
            "/write" => show(fs::write(&argument, "written").map(|()| "written".to_owned())),
            "/list" => show(list(&argument)),
            "/connect" => show(connect(&argument)),
            "/send" => show(send(&argument)),
            "/listen" => show(TcpListener::bind(&argument).map(|_| "listens".to_owned())),
            "/resolve" => {
                show((argument.as_str(), 80).to_socket_addrs().map(|found| format!("{} found", found.count())))
            }
            "/read-p3" => p3::read(&argument).await,
            "/write-p3" => p3::write(&argument).await,
            "/connect-p3" => p3::connect(&argument).await,
            "/listen-p3" => p3::listen(&argument),
            "/resolve-p3" => p3::resolve(&argument).await,
            _ => format!("no such visit: {path}"),
        }
    }

    fn list(path: &str) -> std::io::Result<String> {
        let mut names: Vec<_> = fs::read_dir(path)?.flatten().map(|entry| entry.file_name().into_string()).collect();
        names.sort();
        Ok(names.into_iter().flatten().collect::<Vec<_>>().join(" "))
    }

    /// What the server answers to a greeting.
    fn connect(address: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(b"hello\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(format!("{} bytes", answer.len()))
    }

    fn send(address: &str) -> std::io::Result<String> {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.send_to(b"hello", address).map(|sent| format!("{sent} bytes"))
    }

    fn show<E: std::fmt::Debug>(result: Result<String, E>) -> String {
        result.unwrap_or_else(|error| format!("error: {error:?}"))
    }
}
