//! Where the components' output goes.

use crate::error::StartError;
use crate::options::Options;
use crate::runtime_config::RuntimeConfig;
use kobliat_engine::stdio::{LogBounds, earlier};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The command line's choice, else the runtime config's; `None` when either turns logs off.
pub fn directory(options: &Options, config: &RuntimeConfig, state_dir: &Path) -> Option<PathBuf> {
    match &options.log_dir {
        Some(dir) => (!dir.as_os_str().is_empty()).then(|| dir.clone()),
        None => config.log_dir(state_dir),
    }
}

/// Removes the logs of earlier starts where the command line wants that; they are appended to otherwise.
pub fn begin<'a>(
    options: &Options,
    directory: Option<&Path>,
    components: impl Iterator<Item = &'a String>,
    bounds: LogBounds,
) -> Result<(), StartError> {
    let Some(directory) = directory.filter(|_| options.truncate_logs) else { return Ok(()) };
    let files =
        components.flat_map(|id| ["stdout", "stderr"].map(|stream| directory.join(format!("{id}_{stream}.txt"))));
    let with_earlier = |file: PathBuf| {
        let earlier = (1..=bounds.kept_files).map(|number| earlier(&file, number)).collect::<Vec<_>>();
        std::iter::once(file).chain(earlier)
    };
    for file in files.flat_map(with_earlier) {
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(StartError::because(format_args!("begin the log `{}` anew", file.display()), error));
            }
            _ => {}
        }
    }
    Ok(())
}
