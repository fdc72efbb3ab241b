//! An instance of a service, on its real SQL in memory and a clock that stands still.

use ::http::Method;

use super::{FixedClock, Memory, block_on, request};
use crate::{
    App, Micros, Request, Response, Router,
    sql::{Database, Migration},
};

pub struct Instance {
    pub memory: Memory,
    pub app: App<Database<Memory>>,
    router: Router<App<Database<Memory>>>,
}

impl Instance {
    /// Migrated, and without statements in its record.
    pub fn start(migrations: &'static [Migration], router: Router<App<Database<Memory>>>, now: Micros) -> Self {
        let memory = Memory::new();
        let app = App::new(Database::new(memory.clone(), migrations), FixedClock::at(now));
        block_on(app.store.execute("SELECT 1", Vec::new())).expect("the migrations apply");
        memory.statements();
        Self { memory, app, router }
    }

    /// As the gateway forwards it: tenant `default`, every right.
    pub fn send(&self, method: Method, path: &str, body: &str) -> Response {
        self.handle(request(method, path, body))
    }

    pub fn handle(&self, request: Request) -> Response {
        block_on(self.router.handle(&self.app, request))
    }
}

/// A stand-in for the component, so that a test calls its typed interface; each test has a thread, and so an instance, of its own.
#[macro_export]
macro_rules! component_for_tests {
    ($name:ident, $migrations:expr, $now:expr) => {
        struct $name;

        impl $crate::service::Exported for $name {
            type Store = $crate::sql::Database<$crate::testing::Memory>;

            fn app() -> $crate::service::Call<$crate::App<Self::Store>> {
                use $crate::{
                    App,
                    sql::Database,
                    testing::{FixedClock, Memory},
                };
                ::std::thread_local! {
                    static APP: &'static App<Database<Memory>> =
                        Box::leak(Box::new(App::new(Database::new(Memory::new(), $migrations), FixedClock::at($now))));
                }
                $crate::service::Call::to(APP.with(|app| *app))
            }
        }
    };
}
