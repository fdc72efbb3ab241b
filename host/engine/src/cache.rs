//! Compiled components on disk: compiling takes seconds, loading milliseconds.
//!
//! An entry's name is a hash of the component's bytes and of everything that makes machine code compatible, so that an
//! entry never needs to be invalidated. Loading runs what is in the file, so that the directory is private (0700) and each
//! file is compared with its checksum before ([`entry`]). A bad entry is compiled anew.

mod entry;
mod folder;

use crate::engine::Engine;
use std::fs;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use tracing::warn;
use wasmtime::component::Component;

/// Components larger than this are not compiled: nothing sensible is, and compiling costs memory in proportion.
const MAX_COMPONENT: usize = 256 << 20;

#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    #[error("the file is a precompiled artifact, not a WebAssembly component; give the .wasm that it was made from")]
    Precompiled,
    #[error("the component is {size} bytes large; at most {MAX_COMPONENT} are compiled")]
    TooLarge { size: usize },
    #[error("the file is a core WebAssembly module, not a component; build it for the target wasm32-wasip2")]
    CoreModule,
    #[error("not a valid component: {0}")]
    Invalid(String),
}

/// Compiles components, or loads what it compiled before.
#[derive(Clone)]
pub struct ComponentCache {
    engine: Engine,
    directory: Option<PathBuf>,
}

impl ComponentCache {
    /// A cache in `directory`, which is made private; without one, every component is compiled anew.
    pub fn new(engine: Engine, directory: Option<&Path>) -> io::Result<Self> {
        if let Some(directory) = directory {
            folder::make_private(directory)?;
            folder::tidy(directory);
        }
        Ok(Self { engine, directory: directory.map(Path::to_path_buf) })
    }

    /// The component of these bytes, ready to be instantiated.
    pub fn load(&self, wasm: &[u8]) -> Result<Component, CompileError> {
        check(wasm)?;
        if let Some(component) = self.find(wasm) {
            return Ok(component);
        }
        let component = self.compile(wasm)?;
        let Some(directory) = &self.directory else { return Ok(component) };
        let path = self.entry(directory, wasm);
        if let Err(error) = store(&component, directory, &path) {
            warn!("failed to write the compiled component to `{}`: {error:#}", path.display());
        }
        // Loaded from the file, its code is shared with the page cache instead of held on the heap.
        Ok(self.read(&path).unwrap_or(component))
    }

    /// The component of these bytes, where it was compiled before and its file is whole.
    pub fn find(&self, wasm: &[u8]) -> Option<Component> {
        self.directory.as_ref().and_then(|directory| self.read(&self.entry(directory, wasm)))
    }

    /// Compiles by a draft engine ([`Engine::draft`]) what [`ComponentCache::load`] finds then.
    pub fn keep_draft(&self, draft: &Engine, wasm: &[u8]) -> anyhow::Result<()> {
        check(wasm)?;
        let Some(directory) = &self.directory else { anyhow::bail!("nothing is kept without a directory") };
        let component = Component::new(draft.wasmtime(), wasm);
        let component = component.map_err(|error| CompileError::Invalid(format!("{error:#}")))?;
        store(&component, directory, &self.entry(directory, wasm))
    }

    /// What can be seen without compiling.
    pub fn check(wasm: &[u8]) -> Result<(), CompileError> {
        check(wasm)
    }

    /// Whether loading these bytes will be quick: there is an entry, and it is whole.
    pub fn has(&self, wasm: &[u8]) -> bool {
        self.directory.as_ref().is_some_and(|directory| entry::open(&self.entry(directory, wasm)).is_ok())
    }

    fn entry(&self, directory: &Path, wasm: &[u8]) -> PathBuf {
        directory.join(format!("{}.cwasm", self.key(wasm)))
    }

    fn compile(&self, wasm: &[u8]) -> Result<Component, CompileError> {
        Component::new(self.engine.wasmtime(), wasm).map_err(|error| CompileError::Invalid(format!("{error:#}")))
    }

    /// `None` where there is no entry, or a bad one, which is removed.
    fn read(&self, path: &Path) -> Option<Component> {
        let loaded = entry::open(path).and_then(|verified| {
            #[expect(unsafe_code, reason = "the file is machine code that this host wrote, and its checksum is right")]
            // SAFETY: see the reason; a file of another version or build is refused by wasmtime itself.
            let component = unsafe { Component::deserialize_file(self.engine.wasmtime(), verified.path()) };
            component.map_err(|error| entry::Bad::Unusable(format!("{error:#}")))
        });
        match loaded {
            Ok(component) => Some(component),
            Err(entry::Bad::Missing) => None,
            Err(bad) => {
                warn!("compiling anew: the cached `{}` is not used: {bad}", path.display());
                drop(fs::remove_file(path));
                None
            }
        }
    }

    fn key(&self, wasm: &[u8]) -> String {
        let mut compatibility = Blake3(blake3::Hasher::new());
        self.engine.wasmtime().precompile_compatibility_hash().hash(&mut compatibility);
        compatibility.write(entry::FORMAT);
        let mut key = compatibility.0;
        key.update(wasm);
        key.finalize().to_hex().to_string()
    }
}

fn check(wasm: &[u8]) -> Result<(), CompileError> {
    if wasmtime::Engine::detect_precompiled(wasm).is_some() {
        return Err(CompileError::Precompiled);
    }
    if wasm.len() > MAX_COMPONENT {
        return Err(CompileError::TooLarge { size: wasm.len() });
    }
    // The version field of a core module is 1, of a component 13 with layer 1.
    if wasm.starts_with(b"\0asm\x01\0\0\0") {
        return Err(CompileError::CoreModule);
    }
    Ok(())
}

fn store(component: &Component, directory: &Path, path: &Path) -> anyhow::Result<()> {
    let code = component.serialize().map_err(anyhow::Error::msg)?;
    Ok(entry::write(directory, path, &code)?)
}

/// Lets a value that only knows `Hash` be part of a strong hash.
struct Blake3(blake3::Hasher);

impl Hasher for Blake3 {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let mut first = [0; 8];
        self.0.finalize_xof().fill(&mut first);
        u64::from_le_bytes(first)
    }
}
