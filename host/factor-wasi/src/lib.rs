//! What a component sees of WASI, 0.2 and 0.3 alike: its files ([`files`]), its sockets ([`sockets`]), its environment.
//!
//! All of it is decided at start; a new instance gets it by [`ComponentWasi::configure`].

mod files;
mod sockets;

pub use files::{FileMounts, FilesError, FilesOptions, Mount};
pub use sockets::Sockets;

use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

/// One component's share.
#[derive(Clone)]
pub struct ComponentWasi {
    pub environment: Vec<(String, String)>,
    pub files: FileMounts,
    pub sockets: Sockets,
}

impl ComponentWasi {
    /// Gives a new instance what its component may see. One that is `probing` a new version reads its files, and has no sockets:
    /// what goes through them nobody here understands.
    pub fn configure(&self, wasi: &mut WasiCtxBuilder, probing: bool) -> wasmtime::Result<()> {
        wasi.envs(&self.environment);
        let perms = if self.files.writable && !probing { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
        for Mount { host, guest } in &self.files.mounts {
            wasi.preopened_dir(host, guest, perms)?;
        }
        if probing {
            wasi.allow_tcp(false).allow_udp(false);
        } else {
            self.sockets.configure(wasi);
        }
        Ok(())
    }
}
