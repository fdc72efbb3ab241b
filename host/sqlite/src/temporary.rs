//! What a statement may write into temporary files: a sort or an intermediate result that is too large for memory.
//!
//! SQLite opens its files by a table of functions, its VFS. This one is SQLite's own, but for the temporary files: these count
//! what is written, and beyond the statement's bound a write fails as on a full disk.
#![allow(unsafe_code, reason = "a VFS is a set of C functions, which rusqlite does not wrap")]

use std::cell::Cell;
use std::ffi::{CString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

use rusqlite::ffi;

/// A statement's journal stays in memory up to this size: an UPDATE of some hundred rows opens no file.
const JOURNAL_IN_MEMORY: c_int = 1 << 20;

thread_local! {
    static LEFT: Cell<i64> = const { Cell::new(i64::MAX) };
    static WAS_REACHED: Cell<bool> = const { Cell::new(false) };
}

/// SQLite's own VFS and the functions of its temporary files.
struct Original {
    vfs: *mut ffi::sqlite3_vfs,
    methods: OnceLock<Methods>,
}

struct Methods {
    theirs: *const ffi::sqlite3_io_methods,
    write: WriteFunction,
    ours: ffi::sqlite3_io_methods,
}

type WriteFunction = unsafe extern "C" fn(*mut ffi::sqlite3_file, *const c_void, c_int, ffi::sqlite3_int64) -> c_int;

// SAFETY: the pointers lead to SQLite's static tables, which are only read.
unsafe impl Send for Original {}
unsafe impl Sync for Original {}

static ORIGINAL: OnceLock<Original> = OnceLock::new();

/// Before SQLite starts: how much of a journal stays in memory.
pub(crate) fn configure() -> Result<(), c_int> {
    // SAFETY: the option asks for an int.
    match unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_STMTJRNL_SPILL, JOURNAL_IN_MEMORY) } {
        ffi::SQLITE_OK => Ok(()),
        code => Err(code),
    }
}

/// Becomes the VFS of all connections that are opened from now on. Temporary files are made in `directory`, which is closed
/// to other users, and is a disk where `/tmp` may be memory.
pub(crate) fn install(directory: &Path) -> Result<(), c_int> {
    // SAFETY: SQLite's default VFS lives for ever, and so does the copy. The directory is set before a connection is opened.
    unsafe {
        let vfs = ffi::sqlite3_vfs_find(std::ptr::null());
        if vfs.is_null() {
            return Err(ffi::SQLITE_ERROR);
        }
        if ORIGINAL.set(Original { vfs, methods: OnceLock::new() }).is_err() {
            return Ok(());
        }
        if let Ok(directory) = CString::new(directory.as_os_str().as_bytes()) {
            ffi::sqlite3_temp_directory = directory.into_raw();
        }
        let ours =
            ffi::sqlite3_vfs { zName: c"kobliat".as_ptr(), xOpen: Some(open), pNext: std::ptr::null_mut(), ..*vfs };
        match ffi::sqlite3_vfs_register(Box::leak(Box::new(ours)), 1) {
            ffi::SQLITE_OK => Ok(()),
            code => Err(code),
        }
    }
}

/// While it lives, this thread's SQLite writes at most so many bytes into temporary files.
pub(crate) struct Limited;

impl Limited {
    pub fn to(bytes: u64) -> Self {
        WAS_REACHED.set(false);
        LEFT.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        Self
    }

    pub fn was_reached(&self) -> bool {
        WAS_REACHED.get()
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        LEFT.set(i64::MAX);
    }
}

const TEMPORARY: c_int = ffi::SQLITE_OPEN_TEMP_DB
    | ffi::SQLITE_OPEN_TEMP_JOURNAL
    | ffi::SQLITE_OPEN_TRANSIENT_DB
    | ffi::SQLITE_OPEN_SUBJOURNAL;

unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let Some(original) = ORIGINAL.get() else { return ffi::SQLITE_CANTOPEN };
    // SAFETY: as SQLite calls it; the file has the size that the original VFS asks for.
    unsafe {
        let Some(open) = (*original.vfs).xOpen else { return ffi::SQLITE_CANTOPEN };
        let code = open(original.vfs, name, file, flags, out);
        if code == ffi::SQLITE_OK && flags & TEMPORARY != 0 {
            count_writes(original, file);
        }
        code
    }
}

/// SAFETY: the file is open. Its own functions do not look at the table that they were found in.
unsafe fn count_writes(original: &'static Original, file: *mut ffi::sqlite3_file) {
    let theirs = unsafe { (*file).pMethods };
    let Some(write) = (unsafe { (*theirs).xWrite }) else { return };
    let methods = original.methods.get_or_init(|| {
        let ours = ffi::sqlite3_io_methods { xWrite: Some(counted_write), ..unsafe { *theirs } };
        Methods { theirs, write, ours }
    });
    if std::ptr::eq(methods.theirs, theirs) {
        unsafe { (*file).pMethods = &raw const methods.ours };
    }
}

unsafe extern "C" fn counted_write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    let Some(methods) = ORIGINAL.get().and_then(|original| original.methods.get()) else { return ffi::SQLITE_IOERR };
    if length == 0 {
        // A journal in memory that ends with a whole chunk writes nothing after it as it moves into its file; for the
        // original function nothing written is a full disk.
        return ffi::SQLITE_OK;
    }
    let left = LEFT.get() - i64::from(length);
    if left < 0 {
        WAS_REACHED.set(true);
        return ffi::SQLITE_FULL;
    }
    if LEFT.get() != i64::MAX {
        LEFT.set(left);
    }
    // SAFETY: as SQLite calls it.
    unsafe { (methods.write)(file, bytes, length, offset) }
}
