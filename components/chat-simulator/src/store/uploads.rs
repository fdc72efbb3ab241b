//! What was uploaded to the emulator, in SQL.

use sdk::{
    Micros,
    sql::{self, Database, Driver, Execute, SqlError},
};

use crate::emulator::{NOBODY, media::File};

/// A statement's parameter is copied some times on its way.
const PIECE_BYTES: usize = 1 << 20;

pub mod statements {
    pub const OF: &str = "SELECT mime_type, sha256, size FROM emulated_uploads WHERE tenant_id = ? AND id = ?";
    pub const PIECES: &str = "SELECT bytes FROM emulated_pieces WHERE tenant_id = ? AND upload_id = ? AND number = ?";

    pub const ALL: &[&str] = &[OF, PIECES];
}

/// What it is, without its bytes.
pub struct Upload {
    pub mime_type: String,
    pub sha256: String,
    pub size: u64,
}

/// The same file under the same id is kept once.
pub async fn insert<D: Driver>(
    database: &Database<D>,
    id: &str,
    account: &str,
    file: &File,
    now: Micros,
) -> Result<(), SqlError> {
    const INSERT: &str = "INSERT INTO emulated_uploads (tenant_id, id, account, size, mime_type, sha256, uploaded_at) VALUES (?, ?, ?, ?, ?, ?, ?) \
                          ON CONFLICT (tenant_id, id) DO UPDATE SET mime_type = excluded.mime_type, sha256 = excluded.sha256";
    const PIECE: &str = "INSERT INTO emulated_pieces (tenant_id, upload_id, number, uploaded_at, bytes) VALUES (?, ?, ?, ?, ?) \
                         ON CONFLICT DO NOTHING";
    let size = u64::try_from(file.bytes.len()).unwrap_or(u64::MAX);
    let work = async |transaction: &D::Connection| -> Result<(), SqlError> {
        let (mime_type, sha256) = ((&file.mime_type).into(), file.sha256().into());
        let row = vec![NOBODY.into(), id.into(), account.into(), size.into(), mime_type, sha256, now.into()];
        transaction.execute(INSERT, row).await?;
        for (number, piece) in (0_u32..).zip(file.bytes.chunks(PIECE_BYTES)) {
            let row = vec![NOBODY.into(), id.into(), number.into(), now.into(), piece.to_vec().into()];
            transaction.execute(PIECE, row).await?;
        }
        Ok(())
    };
    database.transaction(work).await
}

pub async fn get<D: Driver>(database: &Database<D>, id: &str) -> Result<Option<Upload>, SqlError> {
    let rows = database.execute(statements::OF, vec![NOBODY.into(), id.into()]).await?;
    sql::one(rows, |mut row| Ok(Upload { mime_type: row.take()?, sha256: row.take()?, size: row.take()? }))
}

/// All of it; empty where there is none.
pub async fn bytes<D: Driver>(database: &Database<D>, id: &str) -> Result<Vec<u8>, SqlError> {
    let mut bytes = Vec::new();
    for number in 0_u32.. {
        let rows = database.execute(statements::PIECES, vec![NOBODY.into(), id.into(), number.into()]).await?;
        let Some(piece) = sql::one(rows, |mut row| row.take::<Vec<u8>>())? else { break };
        bytes.extend(piece);
    }
    Ok(bytes)
}
