//! SQLite's own VFS with the disk between: everything is passed on, and what changes a file is recorded in its order.
#![allow(unsafe_code, reason = "a VFS is a table of C functions that SQLite calls")]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use kobliat_sqlite::rusqlite::ffi::{
    SQLITE_IOERR_FSYNC, SQLITE_OK, SQLITE_OPEN_CREATE, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs,
    sqlite3_vfs_find, sqlite3_vfs_register,
};
use rand_chacha::rand_core::RngCore;

use super::{Disk, Step, name};

/// What SQLite has of a file; behind it is SQLite's own.
#[repr(C)]
struct Open {
    methods: *const sqlite3_io_methods,
    disk: *const Disk,
    /// Null for temporary files, which no crash leaves.
    name: *mut String,
    real: *mut sqlite3_file,
    /// Failures of the file's syncs that this handle knows of.
    known_failures: u64,
}

/// For the rest of the process: SQLite keeps the pointers.
pub fn register(disk: &Arc<Disk>) {
    // SAFETY: the default VFS is static. The copy, its name and the disk are leaked.
    unsafe {
        let real = sqlite3_vfs_find(null_mut());
        let mut vfs = *real;
        vfs.szOsFile += size_of::<Open>() as c_int;
        vfs.zName = CString::new(disk.vfs.as_str()).unwrap().into_raw();
        vfs.pAppData = Arc::into_raw(Arc::clone(disk)) as *mut c_void;
        vfs.pNext = null_mut();
        vfs.xOpen = Some(open);
        vfs.xDelete = Some(delete);
        assert_eq!(sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 0), SQLITE_OK);
    }
}

unsafe fn named(path: *const c_char) -> String {
    // SAFETY: SQLite gives absolute paths that end with NUL.
    name(Path::new(unsafe { CStr::from_ptr(path) }.to_str().unwrap()))
}

unsafe extern "C" fn open(
    vfs: *mut sqlite3_vfs,
    path: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: `file` has room for szOsFile bytes: ours, then SQLite's own, which begins aligned.
    unsafe {
        let disk = &*(*vfs).pAppData.cast::<Disk>();
        let (open, real) = (file.cast::<Open>(), file.cast::<Open>().add(1).cast::<sqlite3_file>());
        (*open).methods = std::ptr::null();
        let system = sqlite3_vfs_find(null_mut());
        let mut state = disk.state();
        let name = (!path.is_null()).then(|| named(path));
        let is_new = |name: &String| {
            let made = flags & SQLITE_OPEN_CREATE != 0 && !disk.before.contains_key(name);
            made || !disk.directory.join(name).exists()
        };
        let created = name.clone().filter(is_new);
        let code = (*system).xOpen.unwrap()(system, path, real, flags, out);
        if code != SQLITE_OK {
            return code;
        }
        state.steps.extend(created.map(Step::Create));
        let known_failures = name.as_ref().map_or(0, |name| state.failures_of(name));
        let name = name.map_or(null_mut(), |name| Box::into_raw(Box::new(name)));
        open.write(Open { methods: &raw const METHODS, disk, name, real, known_failures });
        SQLITE_OK
    }
}

unsafe extern "C" fn delete(vfs: *mut sqlite3_vfs, path: *const c_char, sync: c_int) -> c_int {
    // SAFETY: as above.
    unsafe {
        let system = sqlite3_vfs_find(null_mut());
        let disk = &*(*vfs).pAppData.cast::<Disk>();
        let mut state = disk.state();
        let code = (*system).xDelete.unwrap()(system, path, sync);
        if code == SQLITE_OK {
            state.steps.push(Step::Delete(named(path), sync != 0));
        }
        code
    }
}

/// Passes a call on to SQLite's own method.
macro_rules! pass {
    ($name:ident, $method:ident, ($($argument:ident: $type:ty),*) -> c_int) => {
        unsafe extern "C" fn $name(file: *mut sqlite3_file, $($argument: $type),*) -> c_int {
            // SAFETY: every open file was made by `open`.
            unsafe {
                let real = (*file.cast::<Open>()).real;
                (*(*real).pMethods).$method.unwrap()(real, $($argument),*)
            }
        }
    };
}

pass!(read, xRead, (to: *mut c_void, amount: c_int, offset: sqlite3_int64) -> c_int);
pass!(file_size, xFileSize, (size: *mut sqlite3_int64) -> c_int);
pass!(lock, xLock, (level: c_int) -> c_int);
pass!(unlock, xUnlock, (level: c_int) -> c_int);
pass!(check_reserved_lock, xCheckReservedLock, (out: *mut c_int) -> c_int);
pass!(file_control, xFileControl, (operation: c_int, argument: *mut c_void) -> c_int);
pass!(sector_size, xSectorSize, () -> c_int);
pass!(device_characteristics, xDeviceCharacteristics, () -> c_int);
pass!(shm_map, xShmMap, (page: c_int, size: c_int, extend: c_int, out: *mut *mut c_void) -> c_int);
pass!(shm_lock, xShmLock, (offset: c_int, n: c_int, flags: c_int) -> c_int);
pass!(shm_unmap, xShmUnmap, (delete: c_int) -> c_int);

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    // SAFETY: every open file was made by `open`.
    unsafe {
        let real = (*file.cast::<Open>()).real;
        (*(*real).pMethods).xShmBarrier.unwrap()(real);
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: every open file was made by `open`, and is closed once.
    unsafe {
        let Open { real, name, .. } = file.cast::<Open>().read();
        if !name.is_null() {
            drop(Box::from_raw(name));
        }
        (*(*real).pMethods).xClose.unwrap()(real)
    }
}

/// Passes on what changes a file and records it, as one step.
unsafe fn change(
    file: *mut sqlite3_file,
    step: impl FnOnce(String) -> Step,
    pass: impl FnOnce(*mut sqlite3_file) -> c_int,
) -> c_int {
    // SAFETY: every open file was made by `open`.
    unsafe {
        let Open { disk, name, real, .. } = &*file.cast::<Open>();
        let disk = &**disk;
        let mut state = disk.state();
        let code = pass(*real);
        if code == SQLITE_OK
            && let Some(name) = name.as_ref()
        {
            state.steps.push(step(name.clone()));
        }
        code
    }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, amount: c_int, at: sqlite3_int64) -> c_int {
    // SAFETY: `from` has `amount` bytes.
    unsafe {
        let bytes = std::slice::from_raw_parts(from.cast::<u8>(), amount as usize).to_vec();
        let step = |name| Step::Write(name, at as usize, bytes);
        change(file, step, |real| (*(*real).pMethods).xWrite.unwrap()(real, from, amount, at))
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: as in `change`.
    unsafe {
        let step = |name| Step::Truncate(name, size as usize);
        change(file, step, |real| (*(*real).pMethods).xTruncate.unwrap()(real, size))
    }
}

/// The real file is not synced: nobody takes this machine's power away. A failure is reported to each handle that was open at
/// the time, once (Linux 4.13 and later).
unsafe extern "C" fn sync(file: *mut sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: every open file was made by `open`.
    unsafe {
        let Open { disk, name, known_failures, .. } = &mut *file.cast::<Open>();
        let (disk, Some(name)) = (&**disk, name.as_ref()) else { return SQLITE_OK };
        let mut state = disk.state();
        let name = name.clone();
        if state.failures_of(&name) > *known_failures {
            *known_failures = state.failures_of(&name);
            state.steps.push(Step::Sync(name));
            return SQLITE_IOERR_FSYNC;
        }
        if state.random.next_u32() % 100 < state.behaviour.failing_syncs {
            disk.failed_syncs.fetch_add(1, Relaxed);
            *known_failures = state.fail(name);
            return SQLITE_IOERR_FSYNC;
        }
        if !state.behaviour.lies {
            state.steps.push(Step::Sync(name));
        }
        SQLITE_OK
    }
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};
