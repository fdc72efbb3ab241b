//! Server and load generator get a core each, so that neither is measured by what the other takes.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Two cores that this process may use.
#[derive(Clone, Copy)]
pub struct Cores {
    server: usize,
    generator: usize,
}

impl Cores {
    /// `None` where there is only one core: then nobody is pinned.
    pub fn find() -> Option<Cores> {
        let allowed = sched_getaffinity(None).ok()?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        Some(Cores { server: cores.next()?, generator: cores.next()? })
    }

    /// Gives this thread both cores, and so those that it starts: for what is measured within this process.
    pub fn both(self) {
        let mut set = CpuSet::new();
        set.set(self.server);
        set.set(self.generator);
        pin_to(&set);
    }

    /// Runs `spawn` on the server's core: a process inherits the core of the thread that starts it.
    pub fn as_server<T>(self, spawn: impl FnOnce() -> T) -> T {
        pin(self.server);
        let spawned = spawn();
        pin(self.generator);
        spawned
    }
}

fn pin(core: usize) {
    let mut set = CpuSet::new();
    set.set(core);
    pin_to(&set);
}

fn pin_to(set: &CpuSet) {
    // Refused (a container's limits) means unpinned: noisier, not wrong.
    let _ = sched_setaffinity(None, set);
}
