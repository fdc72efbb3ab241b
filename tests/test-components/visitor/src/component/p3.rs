//! The same visits by WASI 0.3.

use spin_sdk::wasip3::filesystem::preopens::get_directories;
use spin_sdk::wasip3::filesystem::types::{Descriptor, DescriptorFlags, OpenFlags, PathFlags};
use spin_sdk::wasip3::sockets::ip_name_lookup::resolve_addresses;
use spin_sdk::wasip3::sockets::types::{IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, TcpSocket};

pub async fn read(path: &str) -> String {
    let file = match open(path, OpenFlags::empty(), DescriptorFlags::READ).await {
        Ok(file) => file,
        Err(error) => return error,
    };
    let (bytes, outcome) = file.read_via_stream(0);
    let bytes = bytes.collect().await;
    match outcome.await {
        Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => format!("error: {error:?}"),
    }
}

pub async fn write(path: &str) -> String {
    match open(path, OpenFlags::CREATE, DescriptorFlags::WRITE).await {
        Ok(_) => "opened".to_owned(),
        Err(error) => error,
    }
}

/// Below the first folder that there is.
async fn open(path: &str, how: OpenFlags, flags: DescriptorFlags) -> Result<Descriptor, String> {
    let Some((folder, _)) = get_directories().into_iter().next() else { return Err("error: no folder".to_owned()) };
    let path = path.trim_start_matches('/').to_owned();
    folder.open_at(PathFlags::empty(), path, how, flags).await.map_err(|error| format!("error: {error:?}"))
}

pub async fn connect(address: &str) -> String {
    let Ok(socket) = TcpSocket::create(IpAddressFamily::Ipv4) else { return "error: no socket".to_owned() };
    match socket.connect(parse(address)).await {
        Ok(()) => "connected".to_owned(),
        Err(error) => format!("error: {error:?}"),
    }
}

pub fn listen(address: &str) -> String {
    let Ok(socket) = TcpSocket::create(IpAddressFamily::Ipv4) else { return "error: no socket".to_owned() };
    match socket.bind(parse(address)).and_then(|()| socket.listen().map(drop)) {
        Ok(()) => "listens".to_owned(),
        Err(error) => format!("error: {error:?}"),
    }
}

pub async fn resolve(name: &str) -> String {
    match resolve_addresses(name.to_owned()).await {
        Ok(found) => format!("{} found", found.len()),
        Err(error) => format!("error: {error:?}"),
    }
}

/// `127.0.0.1:80`; nonsense is nowhere.
fn parse(address: &str) -> IpSocketAddress {
    let address = address.parse().unwrap_or(std::net::SocketAddrV4::new(std::net::Ipv4Addr::UNSPECIFIED, 0));
    let [a, b, c, d] = address.ip().octets();
    IpSocketAddress::Ipv4(Ipv4SocketAddress { port: address.port(), address: (a, b, c, d) })
}
