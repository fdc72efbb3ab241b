//! The gateway in its host: its database, the linked services, the clock, and work after the answer.

mod fetcher;
mod sender;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use sdk::{Clock, Context, Outcome, Request, SystemClock, config, ids, log, sql::Spin};

use crate::clients::Linked;
use crate::domain::Platform;
use crate::domain::conclusions::{Conclusions, GATHERING};
use crate::domain::delivery::Conclusion;
use crate::domain::directory::Directory;
use crate::store::SqlStore;
use crate::store::erased::ERASED;
use fetcher::Fetcher;
use sender::Outbound;

/// The database's label, which is the component's name.
const LABEL: &str = "inbound-gateway";

/// One per instance: what it opened and migrated serves every request after the first.
pub struct Live {
    store: Rc<SqlStore<Spin>>,
    services: Linked,
    directory: Directory,
    conclusions: Rc<Conclusions>,
    fetcher: Fetcher,
    /// Read once: a deployment's variables outlive its instances.
    variables: RefCell<HashMap<String, String>>,
}

impl Live {
    /// Touches nothing yet.
    #[expect(clippy::new_without_default, reason = "it reaches for the host, which is no default")]
    pub fn new() -> Self {
        let store = Rc::new(SqlStore::new(Spin::new(LABEL)));
        Self {
            fetcher: Fetcher::new(store.clone()),
            store,
            services: Linked,
            directory: Directory::default(),
            conclusions: Rc::default(),
            variables: RefCell::default(),
        }
    }

    /// A deleted tenant's rows go.
    pub async fn erase(&self, request: Request) -> Outcome {
        sdk::erase::answer(self.store.database(), ERASED, &request).await
    }
}

impl Platform for Live {
    type Store = SqlStore<Spin>;
    type Customers = Linked;
    type Conversations = Linked;
    type Messages = Linked;
    type Sender = Outbound;

    fn store(&self) -> &Self::Store {
        &self.store
    }

    fn directory(&self) -> &Directory {
        &self.directory
    }

    fn customers(&self) -> &Linked {
        &self.services
    }

    fn conversations(&self) -> &Linked {
        &self.services
    }

    fn messages(&self) -> &Linked {
        &self.services
    }

    fn sender(&self) -> &Outbound {
        &Outbound
    }

    fn now(&self) -> i64 {
        SystemClock.now()
    }

    fn new_id(&self) -> String {
        ids::new()
    }

    async fn sleep(&self, duration: Duration) {
        spin_sdk::time::sleep(duration).await;
    }

    async fn variable(&self, name: &str) -> Result<Option<String>, String> {
        if let Some(value) = self.variables.borrow().get(name) {
            return Ok(Some(value.clone()));
        }
        let value = config::optional(name).await.map_err(|error| error.to_string())?;
        if let Some(value) = &value {
            self.variables.borrow_mut().insert(name.to_owned(), value.clone());
        }
        Ok(value)
    }

    fn conclude_later(&self, conclusion: Conclusion) {
        let Some(turn) = self.conclusions.add(conclusion) else { return };
        let store = self.store.clone();
        wit_bindgen::spawn(async move {
            let gather = async || spin_sdk::time::sleep(GATHERING).await;
            turn.run(&*store, gather, |failed, reason| {
                for conclusion in failed {
                    log::warn(&Context::default(), reason, &[("delivery", &conclusion.id)]);
                }
            })
            .await;
        });
    }

    fn fetch_later(&self) {
        self.fetcher.start();
    }
}
