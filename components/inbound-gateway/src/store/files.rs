//! Files that webhooks carried, in SQL.

use sdk::sql::{Driver, SqlError};

use super::{SqlStore, reason};
use crate::domain::files::{Files, Holder, Stretch};

pub mod statements {
    pub const BEGIN: &str =
        "INSERT INTO webhook_uploads (tenant_id, delivery_id, begun_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    pub const PUT: &str = "
INSERT INTO webhook_files (tenant_id, delivery_id, file, number, bytes) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";
    pub const GIVE: &str = "UPDATE webhook_files SET tenant_id = ?3 WHERE tenant_id = ?1 AND delivery_id = ?2";
    pub const GIVE_UPLOAD: &str = "UPDATE webhook_uploads SET tenant_id = ?3 WHERE tenant_id = ?1 AND delivery_id = ?2";
    pub const END: &str = "DELETE FROM webhook_uploads WHERE tenant_id = ?1 AND delivery_id = ?2";
    pub const DROP: &str = "DELETE FROM webhook_files WHERE tenant_id = ?1 AND delivery_id = ?2";
    pub const DROP_ONE: &str = "DELETE FROM webhook_files WHERE tenant_id = ?1 AND delivery_id = ?2 AND file = ?3";
    pub const SIZE: &str =
        "SELECT sum(length(bytes)) FROM webhook_files WHERE tenant_id = ?1 AND delivery_id = ?2 AND file = ?3";
    pub const STRETCH: &str =
        "SELECT bytes FROM webhook_files WHERE tenant_id = ?1 AND delivery_id = ?2 AND file = ?3 AND number = ?4";
    /// Those whose delivery is there were only not settled: a crash came in between.
    pub const OLD: &str = "
SELECT u.tenant_id, u.delivery_id, EXISTS (
  SELECT 1 FROM webhook_deliveries d WHERE d.tenant_id = u.tenant_id AND d.id = u.delivery_id)
FROM webhook_uploads u WHERE u.begun_at < ?1 ORDER BY u.begun_at LIMIT ?2";

    pub const ALL: &[&str] = &[GIVE, GIVE_UPLOAD, END, DROP, DROP_ONE, SIZE, STRETCH, OLD];
}

impl<D: Driver> Files for SqlStore<D> {
    async fn begin_files(&self, holder: &Holder, now: i64) -> Result<(), String> {
        let parameters = vec![(&holder.tenant).into(), (&holder.delivery).into(), now.into()];
        self.0.execute(statements::BEGIN, parameters).await.map_err(reason)?;
        Ok(())
    }

    async fn put_file(&self, holder: &Holder, stretch: Stretch) -> Result<(), String> {
        let Stretch { file, number, bytes } = stretch;
        let place = vec![(&holder.tenant).into(), (&holder.delivery).into(), file.into(), number.into(), bytes.into()];
        self.0.execute(statements::PUT, place).await.map_err(reason)?;
        Ok(())
    }

    async fn give_files(&self, holder: &Holder, tenant: &str) -> Result<(), String> {
        let both = async |connection: &D::Connection| {
            for statement in [statements::GIVE, statements::GIVE_UPLOAD] {
                let parameters = vec![(&holder.tenant).into(), (&holder.delivery).into(), tenant.into()];
                sdk::sql::Execute::execute(connection, statement, parameters).await?;
            }
            Ok::<_, SqlError>(())
        };
        self.0.transaction(both).await.map_err(reason)
    }

    async fn settle_files(&self, holder: &Holder) -> Result<(), String> {
        self.of(statements::END, holder).await
    }

    async fn drop_files(&self, holder: &Holder) -> Result<(), String> {
        self.of(statements::DROP, holder).await?;
        self.of(statements::END, holder).await
    }

    async fn file_size(&self, holder: &Holder, file: u32) -> Result<Option<u64>, String> {
        let parameters = vec![(&holder.tenant).into(), (&holder.delivery).into(), file.into()];
        let rows = self.0.execute(statements::SIZE, parameters).await.map_err(reason)?;
        rows.into_iter().next().map_or(Ok(None), |mut row| row.take()).map_err(reason)
    }

    async fn file_stretch(&self, holder: &Holder, file: u32, number: u32) -> Result<Option<Vec<u8>>, String> {
        let parameters = vec![(&holder.tenant).into(), (&holder.delivery).into(), file.into(), number.into()];
        let rows = self.0.execute(statements::STRETCH, parameters).await.map_err(reason)?;
        rows.into_iter().next().map(|mut row| row.take()).transpose().map_err(reason)
    }

    async fn sweep_files(&self, before: i64, limit: u32) -> Result<u64, String> {
        let rows = self.0.execute(statements::OLD, vec![before.into(), limit.into()]).await.map_err(reason)?;
        let mut swept = 0;
        for mut row in rows {
            let holder = Holder { tenant: row.take().map_err(reason)?, delivery: row.take().map_err(reason)? };
            let is_there: bool = row.take::<i64>().map_err(reason)? != 0;
            if is_there {
                self.settle_files(&holder).await?;
            } else {
                self.drop_files(&holder).await?;
                swept += 1;
            }
        }
        Ok(swept)
    }
}

impl<D: Driver> SqlStore<D> {
    async fn of(&self, statement: &str, holder: &Holder) -> Result<(), String> {
        self.0.execute(statement, vec![(&holder.tenant).into(), (&holder.delivery).into()]).await.map_err(reason)?;
        Ok(())
    }

    /// `media` has it.
    pub(super) async fn drop_file(&self, holder: &Holder, file: u32) -> Result<(), String> {
        let parameters = vec![(&holder.tenant).into(), (&holder.delivery).into(), file.into()];
        self.0.execute(statements::DROP_ONE, parameters).await.map_err(reason)?;
        Ok(())
    }
}
