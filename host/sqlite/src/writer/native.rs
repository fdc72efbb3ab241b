//! The host's own work on the writer: a savepoint in the shared transaction, run as a whole.

use super::batch::is_lost;
use super::{Member, Writer};
use crate::Error;
use crate::mailbox::Reply;
use crate::native::{Native, explained};

impl Writer {
    /// What fails undoes only itself. Its error is answered at once, success with the shared commit.
    pub(super) fn native(&mut self, work: Native, reply: Reply) {
        if let Err(error) = self.begin() {
            let _ = reply.send(Err(error));
            return;
        }
        let bytes = work.bytes;
        let done = self.run_native(work);
        if self.connection.as_ref().is_none_or(is_lost) {
            let _ = reply.send(Err(done.err().unwrap_or_else(|| Error::Io("SQLite rolled it back".to_owned()))));
            self.redo_neighbours();
            return;
        }
        match done {
            Ok(()) => self.join(Member::Transaction { reply }, bytes),
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    fn run_native(&mut self, work: Native) -> Result<(), Error> {
        let limit = self.options.write_time_limit;
        let connection = self.connection()?;
        connection.control("SAVEPOINT native")?;
        connection.guard.limit(limit, None);
        let done = explained((work.run)(&connection.sqlite), &connection.guard, limit.as_millis());
        if is_lost(connection) {
            return done;
        }
        if done.is_err() {
            connection.control("ROLLBACK TO native")?;
        }
        connection.control("RELEASE native")?;
        done
    }
}
