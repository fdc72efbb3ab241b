//! The hidden `kobliat compile-component`: what a running host starts to compile bytes that were swapped in.

use anyhow::Result;
use clap::Args;
use kobliat_runtime::compiler::{EngineOptions, Quality, compile_component};
use std::path::PathBuf;

#[derive(Args)]
pub struct CompileComponent {
    file: PathBuf,
    cache: PathBuf,
    instances: u32,
    max_memory: usize,
    #[arg(action = clap::ArgAction::Set)]
    pooling: bool,
    #[arg(action = clap::ArgAction::Set)]
    draft: bool,
}

impl CompileComponent {
    pub fn run(&self) -> Result<()> {
        let Self { instances, max_memory, pooling, draft, .. } = *self;
        let quality = if draft { Quality::Draft } else { Quality::Full };
        compile_component(&self.file, &self.cache, &EngineOptions { instances, max_memory, pooling }, quality)
    }
}
