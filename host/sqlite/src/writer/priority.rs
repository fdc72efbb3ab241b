//! The writer lets others go first: it is woken by guests that have more to write, and a commit that begins before they
//! have written serves fewer of them.

/// Linux then no longer interrupts another thread because this one woke. Where a core is free it runs at once all the same, and
/// its share of a busy one stays what it was.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "a system call that no crate of ours wraps; it reads one number and changes this thread only"
)]
pub(super) fn yield_to_guests() {
    let parameter = libc::sched_param { sched_priority: 0 };
    // SAFETY: thread 0 is the calling one, and the pointer is valid for the call.
    let refused = unsafe { libc::sched_setscheduler(0, libc::SCHED_BATCH, &raw const parameter) } != 0;
    if refused {
        tracing::debug!("the writer runs as any other thread: {}", std::io::Error::last_os_error());
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn yield_to_guests() {}
