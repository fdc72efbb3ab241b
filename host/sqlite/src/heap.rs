//! What a statement may hold in memory while it runs: sorts, intermediate results, compiled programs, values.
//!
//! SQLite gets all its memory from one allocator. This one is SQLite's own, and counts for the thread that runs a bounded
//! statement. Beyond the bound an allocation fails, SQLite ends that statement, and its neighbours go on.
#![allow(unsafe_code, reason = "an allocator is a set of C functions, which rusqlite does not wrap")]

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

use rusqlite::ffi;

thread_local! {
    /// Bytes taken less bytes given back since the statement began. Less than nothing where it gave back what was older.
    static USED: Cell<i64> = const { Cell::new(0) };
    static LIMIT: Cell<i64> = const { Cell::new(i64::MAX) };
    static WAS_REACHED: Cell<bool> = const { Cell::new(false) };
}

/// SQLite's own functions.
struct Original {
    allocate: unsafe extern "C" fn(c_int) -> *mut c_void,
    release: unsafe extern "C" fn(*mut c_void),
    resize: unsafe extern "C" fn(*mut c_void, c_int) -> *mut c_void,
    size: unsafe extern "C" fn(*mut c_void) -> c_int,
}

static ORIGINAL: OnceLock<Original> = OnceLock::new();

/// Takes the allocator's place. Call it before the first connection is opened: afterwards SQLite refuses.
pub(crate) fn install() -> Result<(), c_int> {
    let mut original = ffi::sqlite3_mem_methods {
        xMalloc: None,
        xFree: None,
        xRealloc: None,
        xSize: None,
        xRoundup: None,
        xInit: None,
        xShutdown: None,
        pAppData: std::ptr::null_mut(),
    };
    // SAFETY: both calls get a pointer to the structure that the option asks for, which SQLite copies.
    unsafe {
        ok(ffi::sqlite3_config(ffi::SQLITE_CONFIG_GETMALLOC, &raw mut original))?;
        let (Some(allocate_block), Some(release_block), Some(resize_block), Some(size)) =
            (original.xMalloc, original.xFree, original.xRealloc, original.xSize)
        else {
            return Err(ffi::SQLITE_ERROR);
        };
        ORIGINAL.get_or_init(|| Original {
            allocate: allocate_block,
            release: release_block,
            resize: resize_block,
            size,
        });
        let ours = ffi::sqlite3_mem_methods {
            xMalloc: Some(allocate),
            xFree: Some(release),
            xRealloc: Some(resize),
            ..original
        };
        ok(ffi::sqlite3_config(ffi::SQLITE_CONFIG_MALLOC, &raw const ours))?;
        // Otherwise every allocation takes a lock of the whole process, for a sum that nobody asks for.
        ok(ffi::sqlite3_config(ffi::SQLITE_CONFIG_MEMSTATUS, 0 as c_int))
    }
}

fn ok(code: c_int) -> Result<(), c_int> {
    if code == ffi::SQLITE_OK { Ok(()) } else { Err(code) }
}

/// While it lives, this thread's SQLite takes at most so many bytes more.
pub(crate) struct Limited;

impl Limited {
    pub fn to(bytes: usize) -> Self {
        USED.set(0);
        WAS_REACHED.set(false);
        LIMIT.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        Self
    }

    pub fn was_reached(&self) -> bool {
        WAS_REACHED.get()
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        LIMIT.set(i64::MAX);
    }
}

/// Bytes that this thread's statement has taken so far.
pub(crate) fn used() -> i64 {
    USED.get()
}

fn has_room(more: i64) -> bool {
    let fits = USED.get().saturating_add(more) <= LIMIT.get();
    if !fits {
        WAS_REACHED.set(true);
    }
    fits
}

/// SAFETY: `block` is null, or one of SQLite's own functions.
unsafe fn size(original: &Original, block: *mut c_void) -> i64 {
    if block.is_null() { 0 } else { i64::from(unsafe { (original.size)(block) }) }
}

unsafe extern "C" fn allocate(bytes: c_int) -> *mut c_void {
    let Some(original) = ORIGINAL.get().filter(|_| has_room(i64::from(bytes))) else { return std::ptr::null_mut() };
    // SAFETY: as SQLite calls it.
    unsafe {
        let block = (original.allocate)(bytes);
        USED.set(USED.get() + size(original, block));
        block
    }
}

unsafe extern "C" fn release(block: *mut c_void) {
    let Some(original) = ORIGINAL.get() else { return };
    // SAFETY: as SQLite calls it.
    unsafe {
        USED.set(USED.get() - size(original, block));
        (original.release)(block);
    }
}

unsafe extern "C" fn resize(block: *mut c_void, bytes: c_int) -> *mut c_void {
    let Some(original) = ORIGINAL.get() else { return std::ptr::null_mut() };
    // SAFETY: as SQLite calls it.
    unsafe {
        let before = size(original, block);
        let more = i64::from(bytes) - before;
        if more > 0 && !has_room(more) {
            return std::ptr::null_mut();
        }
        let block = (original.resize)(block, bytes);
        if !block.is_null() {
            USED.set(USED.get() - before + size(original, block));
        }
        block
    }
}
