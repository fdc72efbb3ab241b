//! The hidden `kobliat compile-component`: what a running host starts to compile bytes that were swapped in.

use anyhow::Result;
use clap::Args;
use kobliat_runtime::compiler::{EngineOptions, compile_component};
use std::path::PathBuf;

#[derive(Args)]
pub struct CompileComponent {
    file: PathBuf,
    cache: PathBuf,
    instances: u32,
    max_memory: usize,
    #[arg(action = clap::ArgAction::Set)]
    pooling: bool,
}

impl CompileComponent {
    pub fn run(&self) -> Result<()> {
        let Self { instances, max_memory, pooling, .. } = *self;
        compile_component(&self.file, &self.cache, &EngineOptions { instances, max_memory, pooling })
    }
}
