//! The channel accounts of the small platform, as `/channels` of inbound-gateway has them.

use std::cell::{Cell, RefCell};

use ::http::Method;
use sdk::{Response, outgoing::Outgoing};
use serde_json::{Value, json};

use crate::world::{answer, header};

#[derive(Default)]
pub struct Channels {
    /// As they are shown, with their credentials and their tenant.
    accounts: RefCell<Vec<Value>>,
    version: Cell<u64>,
}

impl Channels {
    /// What signs for it; of an account that is not there nothing does.
    pub fn secret(&self, provider_id: &str) -> String {
        let accounts = self.accounts.borrow();
        let found = accounts.iter().find(|account| account["provider_id"] == provider_id);
        found.map_or_else(
            || "nobody's".to_owned(),
            |found| found["credentials"]["app_secret"].as_str().unwrap().to_owned(),
        )
    }

    pub fn all(&self) -> Vec<Value> {
        self.accounts.borrow().clone()
    }

    /// As somebody does who administers the tenant.
    pub fn change(&self, changes: &Value) {
        for account in &mut *self.accounts.borrow_mut() {
            self.merge(account, changes);
        }
    }

    pub fn delete(&self) {
        self.accounts.borrow_mut().clear();
    }

    pub fn answer(&self, path: &str, request: &Outgoing) -> Response {
        let tenant = header(request, "kobliat-tenant");
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let mut accounts = self.accounts.borrow_mut();
        if request.method == Method::POST {
            if accounts.iter().any(|account| account["provider_id"] == body["provider_id"]) {
                return answer(409, &json!({ "detail": "somebody has it" }));
            }
            let mut account = json!({ "id": format!("id-{}", accounts.len()), "tenant": tenant, "status": "active" });
            self.merge(&mut account, &body);
            accounts.push(account.clone());
            return answer(201, &account);
        }
        let mut theirs = accounts.iter_mut().filter(|account| account["tenant"] == tenant);
        match path.strip_prefix('/') {
            None => answer(200, &json!({ "data": theirs.collect::<Vec<_>>(), "meta": { "next_cursor": null } })),
            Some(id) => match theirs.find(|account| account["id"] == id) {
                None => answer(404, &json!({})),
                Some(account) => {
                    if request.method == Method::PATCH {
                        self.merge(account, &body);
                    }
                    answer(200, account)
                }
            },
        }
    }

    fn merge(&self, account: &mut Value, changes: &Value) {
        account.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        self.version.set(self.version.get() + 1);
        account["updated_at"] = json!(self.version.get().to_string());
    }
}
