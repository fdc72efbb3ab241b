//! Whose credentials a message is sent with: the tenant's own account's, else the deployment's, and those are the default tenant's.

use outbound_gateway::domain::Done;
use outbound_gateway::domain::services::{ChannelAccount, Ended};

use crate::support::*;

fn account(name: &str, credentials: &[(&str, &str)]) -> ChannelAccount {
    let credentials = credentials.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    ChannelAccount { name: name.to_owned(), is_disabled: false, credentials }
}

impl World {
    fn of(self, tenant: &str) -> Self {
        self.tenant.replace(tenant.to_owned());
        self
    }

    fn has(self, tenant: &str, channel: &str, account: ChannelAccount) -> Self {
        self.accounts.borrow_mut().push((tenant.to_owned(), channel.to_owned(), account));
        self
    }

    /// For a message and a conversation that say nothing of it.
    fn names_no_account(self) -> Self {
        self.conversation.borrow_mut().channel_account_id = None;
        self.person.borrow_mut().identities.iter_mut().for_each(|one| one.kind = "phone".to_owned());
        self
    }

    fn authorization(&self) -> String {
        self.last_call().headers()["authorization"].to_str().unwrap().to_owned()
    }

    fn failure(&self) -> String {
        match self.deliver("e1").unwrap() {
            Done::Ended(ended @ Ended::Failed(_)) => code(&ended).to_owned(),
            other => panic!("{other:?}"),
        }
    }
}

const NUMBER: &str = "106540352242922";

#[test]
fn a_tenant_sends_with_its_own_token() {
    let own = account(NUMBER, &[("access_token", "acmes"), ("app_secret", "not for this")]);
    let world = World::whatsapp().of("acme").has("acme", "whatsapp", own);
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
    assert_eq!(world.authorization(), "Bearer acmes");
    assert!(world.last_call().uri().path().contains(NUMBER));
}

#[test]
fn without_one_it_sends_nothing_whatever_others_have() {
    let others = account(NUMBER, &[("access_token", "others")]);
    let world = World::whatsapp().of("acme").has("other", "whatsapp", others);
    assert_eq!((world.failure().as_str(), world.sent()), ("not_configured", 0));
    let without_credentials = World::whatsapp().of("acme").has("acme", "whatsapp", account(NUMBER, &[]));
    assert_eq!((without_credentials.failure().as_str(), without_credentials.sent()), ("not_configured", 0));
}

#[test]
fn the_default_tenants_account_comes_before_the_variables() {
    let own = || account(NUMBER, &[("access_token", "own")]);
    let world = World::whatsapp().has("default", "whatsapp", own());
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
    assert_eq!(world.authorization(), "Bearer own");
    let world = World::whatsapp().has("default", "whatsapp", account(NUMBER, &[("app_secret", "for webhooks")]));
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
    assert_eq!(world.authorization(), "Bearer wa-token", "which has no token of its own");
}

#[test]
fn a_message_that_names_none_goes_by_the_tenants_account() {
    let own = account("777", &[("access_token", "acmes")]);
    let world = World::whatsapp().of("acme").has("acme", "whatsapp", own).names_no_account();
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
    assert!(world.last_call().uri().path().contains("/777/"), "{}", world.last_call().uri());
    assert_eq!(world.last_report().channel_account_id, "777");
}

#[test]
fn twilios_own_account_sends_for_its_numbers_and_is_none_itself() {
    let own = || account("AC9", &[("account_sid", "AC9"), ("auth_token", "acmes")]);
    let mut of_number = own();
    of_number.name = "+15550783881".to_owned();
    let world = World::sms().of("acme").has("acme", "sms", of_number);
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
    assert!(world.last_call().uri().path().contains("/AC9/"));
    let nameless = World::sms().has("default", "sms", own()).names_no_account();
    assert_eq!((nameless.failure().as_str(), nameless.sent()), ("not_configured", 0), "nothing says from which number");
    nameless.set("twilio_from", "+15550783881");
    nameless.asks_again();
    assert!(matches!(nameless.deliver("e2").unwrap(), Done::Ended(Ended::Sent(_))));
}

#[test]
fn a_disabled_account_sends_nothing() {
    let mut own = account(NUMBER, &[("access_token", "acmes")]);
    own.is_disabled = true;
    let world = World::whatsapp().of("acme").has("acme", "whatsapp", own);
    assert_eq!((world.failure().as_str(), world.sent()), ("channel_disabled", 0));
}

#[test]
fn accounts_that_cannot_be_asked_for_cost_no_attempt() {
    let world = World::whatsapp();
    world.down.set(true);
    assert!(world.deliver("e1").is_err());
    world.down.set(false);
    assert!(matches!(world.deliver("e1").unwrap(), Done::Ended(Ended::Sent(_))));
    assert_eq!(world.sent(), 1);
}
