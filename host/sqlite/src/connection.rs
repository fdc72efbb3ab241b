//! Opens SQLite connections the one way this engine uses them, and checkpoints their write-ahead log.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection as Sqlite, MAIN_DB, OpenFlags};

use crate::Error;
use crate::bounds;
use crate::guard::{Guard, STEPS_BETWEEN_CHECKS};
use crate::options::Options;
use crate::plan::rolls_back;
use crate::policy::{self, Internal};
use crate::tokens::tokens;

/// Prepared statements kept per connection; a service has some dozens.
pub(crate) const STATEMENTS: usize = 256;
/// What a reader keeps of the file in memory: 8 MiB.
const READER_CACHE: usize = 8 << 20;
/// How long to wait for another process that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What became of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Emptied {
    Yes,
    /// It was copied as far as they let it.
    ReadersHoldIt,
}

/// A SQLite connection with its limits.
pub(crate) struct Connection {
    pub sqlite: Sqlite,
    pub guard: Guard,
    /// What it keeps of the file in memory.
    pub cache_bytes: usize,
    internal: Internal,
    wal_pages: Arc<AtomicU64>,
}

impl Connection {
    /// The connection that writes. The file is made if need be.
    pub fn writer(path: &Path, options: &Options) -> Result<Self, Error> {
        let connection = Self::open_writer(path, options).map_err(|e| open_error(path, &e))?;
        connection.refuse_rolling_schema(path)?;
        Ok(connection)
    }

    /// The same after a failed commit. The kernel may have dropped what it could not write, and still shows it (fsyncgate):
    /// a log that begins with such pages is cut off there after a power loss, and with it all that was acknowledged later.
    /// So the log is emptied first, or nothing is written.
    pub fn writer_after_failure(path: &Path, options: &Options) -> Result<Self, Error> {
        let connection = Self::open_writer(path, options)?;
        match connection.empty_log()? {
            Emptied::Yes => connection.refuse_rolling_schema(path).map(|()| connection),
            Emptied::ReadersHoldIt => Err(Error::Busy(
                "the disk failed a moment ago, and readers keep its log from being written anew".to_owned(),
            )),
        }
    }

    fn open_writer(path: &Path, options: &Options) -> rusqlite::Result<Self> {
        let mut connection = Self::open(path, options, OpenFlags::SQLITE_OPEN_CREATE)?;
        connection.set_up_writer(options)?;
        Ok(connection)
    }

    /// A connection that only reads.
    pub fn reader(path: &Path, options: &Options) -> Result<Self, Error> {
        let mut connection = Self::open(path, options, OpenFlags::empty()).map_err(|e| open_error(path, &e))?;
        connection.set_up_reader().map_err(|e| open_error(path, &e))?;
        Ok(connection)
    }

    fn open(path: &Path, options: &Options, create: OpenFlags) -> rusqlite::Result<Self> {
        bounds::prepare(path.parent().unwrap_or(Path::new(".")));
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
        let mut sqlite = match &options.vfs {
            Some(vfs) => Sqlite::open_with_flags_and_vfs(path, flags, vfs.as_str())?,
            None => Sqlite::open_with_flags(path, flags)?,
        };
        sqlite.busy_timeout(BUSY_TIMEOUT)?;
        sqlite.set_prepared_statement_cache_capacity(STATEMENTS);
        // In memory, which is bounded for each statement: with files, SQLite 3.54.1 takes a statement's journal that grows
        // beyond its memory for a full disk.
        sqlite.execute_batch(
            "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0; PRAGMA foreign_keys=ON;",
        )?;
        sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        // Otherwise a plan may depend on the values bound, and each new value compiles the cached statement anew: every
        // statement that a partial index could serve would.
        sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        let longest = i32::try_from(options.max_result_bytes.max(options.max_parameter_bytes)).unwrap_or(i32::MAX);
        sqlite.set_limit(Limit::SQLITE_LIMIT_LENGTH, longest)?;
        sqlite.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        let (guard, internal) = (Guard::new(), Internal::new(AtomicBool::new(false)));
        let progress = guard.clone();
        sqlite.progress_handler(STEPS_BETWEEN_CHECKS, Some(move || progress.must_stop()))?;
        let flag = internal.clone();
        sqlite.authorizer(Some(move |context: rusqlite::hooks::AuthContext<'_>| policy::authorize(&flag, &context)))?;
        Ok(Self { sqlite, guard, cache_bytes: 0, internal, wal_pages: Arc::default() })
    }

    fn set_up_reader(&mut self) -> rusqlite::Result<()> {
        self.internally(|sqlite| sqlite.execute_batch("PRAGMA query_only=ON;"))?;
        self.set_cache(READER_CACHE)
    }

    fn set_cache(&mut self, bytes: usize) -> rusqlite::Result<()> {
        self.cache_bytes = bytes;
        self.internally(|sqlite| sqlite.execute_batch(&format!("PRAGMA cache_size=-{};", bytes >> 10)))
    }

    fn set_up_writer(&mut self, options: &Options) -> rusqlite::Result<()> {
        let mode: String =
            self.internally(|sqlite| sqlite.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0)))?;
        if !mode.eq_ignore_ascii_case("wal") {
            return Err(rusqlite::Error::InvalidParameterName(format!(
                "its journal mode stays `{mode}`, WAL is needed"
            )));
        }
        self.set_cache(options.cache_bytes)?;
        if let Some(bytes) = options.max_database_bytes {
            let page: i64 = self.sqlite.query_row("PRAGMA page_size", [], |row| row.get(0))?;
            self.internally(|sqlite| {
                sqlite.execute_batch(&format!(
                    "PRAGMA max_page_count={}",
                    bytes / u64::try_from(page).unwrap_or(4096).max(1)
                ))
            })?;
        }
        // A WAL hook of our own also takes the place of SQLite's automatic checkpoint.
        let pages = self.wal_pages.clone();
        self.sqlite.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, count: i32| {
            pages.store(u64::try_from(count).unwrap_or(0), Relaxed);
            Ok(())
        }))?;
        self.empty_log().map(drop)
    }

    /// A table or trigger that rolls back by itself would take the neighbours' uncommitted work with it. Our own
    /// sessions cannot declare one, but the file may come from elsewhere.
    fn refuse_rolling_schema(&self, path: &Path) -> Result<(), Error> {
        let mut statement = self
            .sqlite
            .prepare("SELECT name, sql FROM sqlite_schema WHERE sql LIKE '%rollback%'")
            .map_err(|e| open_error(path, &e))?;
        let mut rows = statement.query([]).map_err(|e| open_error(path, &e))?;
        while let Some(row) = rows.next().map_err(|e| open_error(path, &e))? {
            let (name, sql): (String, String) = (row.get(0).unwrap_or_default(), row.get(1).unwrap_or_default());
            if rolls_back(&tokens(&sql).collect::<Vec<_>>()) {
                let reason = format!(
                    "`{name}` uses ON CONFLICT ROLLBACK or RAISE(ROLLBACK), which would undo other callers' writes; recreate it with ABORT"
                );
                return Err(Error::Open { path: path.display().to_string(), reason });
            }
        }
        Ok(())
    }

    /// Runs statements of the engine's own, which the policy for sessions does not concern.
    pub fn internally<T>(&self, run: impl FnOnce(&Sqlite) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.internal.store(true, Relaxed);
        let result = run(&self.sqlite);
        self.internal.store(false, Relaxed);
        result
    }

    /// Runs one of the engine's own statements that return nothing.
    pub fn control(&self, sql: &str) -> rusqlite::Result<()> {
        self.internally(|sqlite| sqlite.prepare_cached(sql)?.raw_execute().map(drop))
    }

    /// Size of the write-ahead log after the last commit.
    pub fn log_bytes(&self) -> u64 {
        /// A page of 4 KiB and its frame header; the exact size does not matter here.
        const FRAME_BYTES: u64 = 4096 + 24;
        self.wal_pages.load(Relaxed) * FRAME_BYTES
    }

    /// Copies the log into the database file as far as the readers let it, and empties it if they let it wholly.
    pub fn empty_log(&self) -> rusqlite::Result<Emptied> {
        /// Readers are short; one that is not must not hold up the writes.
        const WAIT_FOR_READERS: Duration = Duration::from_millis(20);
        self.sqlite.busy_timeout(WAIT_FOR_READERS)?;
        let result = self.sqlite.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::TRUNCATE);
        self.sqlite.busy_timeout(BUSY_TIMEOUT)?;
        match result {
            Ok(_) => {
                self.wal_pages.store(0, Relaxed);
                Ok(Emptied::Yes)
            }
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {
                Ok(Emptied::ReadersHoldIt)
            }
            Err(error) => Err(error),
        }
    }

    /// Copies the log into the database file while others read and write.
    pub fn copy_log(&self) -> rusqlite::Result<()> {
        self.sqlite.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE).map(drop)
    }
}

fn open_error(path: &Path, error: &rusqlite::Error) -> Error {
    Error::Open { path: path.display().to_string(), reason: error.to_string() }
}
