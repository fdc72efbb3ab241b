//! The files that this process may have open: as many as the system lets it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard one, as servers do, and tells what it is then.
pub fn available() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // Where it can not be raised, what there is must do.
    if setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok() {
        return maximum.unwrap_or(u64::MAX);
    }
    current.unwrap_or(u64::MAX)
}
