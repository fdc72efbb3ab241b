//! Our account that simulated customers write to, and the secret that signs for it.
//!
//! The tenant `default` has the deployment's own accounts: whatever nobody has registered is that tenant's, and signed with the deployment's
//! secrets. For any other tenant the simulator registers one account a channel, through `/channels` like anybody (`registering`). Its secret
//! is made of the deployment's and the tenant, so that none has to be kept, and nobody's credentials are asked for.

mod registering;

use hmac::{Hmac, Mac};
use sdk::sql::Driver;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{
    app::{App, World},
    provider::{email, meta, telegram, twilio, web},
};

/// Whose the accounts are that nobody has registered.
pub const DEFAULT_TENANT: &str = "default";
/// Any credential is good for the emulator, and none of these for a real provider.
const EMULATED: &str = "emulated";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub tenant: String,
    pub channel: &'static str,
    /// As webhooks and messages name it; numbers as digits.
    pub provider_id: String,
    /// Signs its webhooks.
    pub secret: String,
}

impl Account {
    /// Whether the simulator has registered it.
    pub fn is_own(&self) -> bool {
        self.provider_id == own_name(&self.tenant, self.channel)
    }

    /// Where its webhooks go: one of our own has its name behind the channel's, but where Twilio's forms say it anyway.
    pub fn path(&self) -> String {
        let channel = self.channel;
        match self.is_own() && channel != twilio::CHANNEL {
            true => format!("/webhooks/{channel}/{}", sdk::query::percent_encode(&self.provider_id)),
            false => format!("/webhooks/{channel}"),
        }
    }

    /// As webhooks write it, and so as it is registered: Twilio's numbers have a plus.
    fn registered_name(&self) -> String {
        match self.channel {
            twilio::CHANNEL => format!("+{}", self.provider_id),
            _ => self.provider_id.clone(),
        }
    }

    /// As `/channels` takes them.
    fn credentials(&self) -> Value {
        let secret = &self.secret;
        match self.channel {
            meta::CHANNEL => {
                json!({ "app_secret": secret, "verify_token": self.verify_token(), "access_token": EMULATED })
            }
            twilio::CHANNEL => json!({ "auth_token": secret, "account_sid": twilio::ACCOUNT_SID }),
            telegram::CHANNEL => json!({ "secret_token": secret, "bot_token": EMULATED }),
            email::CHANNEL => json!({ "webhook_secret": secret, "api_token": EMULATED }),
            _ => json!({ "webhook_secret": secret }),
        }
    }

    /// What Meta repeats when the webhook of an account of our own is registered.
    pub fn verify_token(&self) -> String {
        made(&self.secret, &[&self.tenant, self.channel, "verify"])
    }

    /// Tells whether the secret is still the one that was registered, without being it.
    fn key_id(&self) -> String {
        made(&self.secret, &["id"]).chars().take(8).collect()
    }
}

impl<D: Driver, W: World> App<D, W> {
    /// The account of this name, with what signs for it.
    pub async fn signer(&self, tenant: &str, channel: &'static str, provider_id: &str) -> Account {
        let deployment = self.world.setting(variable(channel)).await.unwrap_or_default();
        let account = Account {
            tenant: tenant.to_owned(),
            channel,
            provider_id: provider_id.to_owned(),
            secret: deployment.clone(),
        };
        match account.is_own() {
            true => Account { secret: made(&deployment, &[tenant, channel]), ..account },
            false => account,
        }
    }
}

/// The deployment's secret of a channel.
fn variable(channel: &str) -> &'static str {
    match channel {
        twilio::CHANNEL => "twilio_auth_token",
        telegram::CHANNEL => "telegram_secret_token",
        web::CHANNEL => "web_webhook_secret",
        email::CHANNEL => "email_webhook_secret",
        _ => "whatsapp_app_secret",
    }
}

/// Of the tenant `default`: registered by nobody, so that tenant's.
fn default_name(channel: &str) -> &'static str {
    match channel {
        twilio::CHANNEL => twilio::ACCOUNT,
        telegram::CHANNEL => telegram::ACCOUNT,
        web::CHANNEL => web::ACCOUNT,
        email::CHANNEL => email::ACCOUNT,
        _ => meta::ACCOUNT,
    }
}

/// Whether it is the one that simulated customers of the tenant `default` write to.
pub fn is_the_deployment_s(channel: &str, provider_id: &str) -> bool {
    provider_id == default_name(channel)
}

/// The same each time it is asked for. Numbers are of country code 999, which is given to nobody; addresses of a domain that never is.
fn own_name(tenant: &str, channel: &str) -> String {
    let digest = Sha256::digest(format!("simulated account\0{channel}\0{tenant}"));
    let number = digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    let short = hex::encode(digest.get(..6).unwrap_or_default());
    match channel {
        telegram::CHANNEL => format!("simulated_{short}_bot"),
        web::CHANNEL => format!("simulated-{short}"),
        email::CHANNEL => format!("simulated-{short}@simulated.invalid"),
        _ => format!("999{:012}", number % 1_000_000_000_000),
    }
}

/// 64 hex digits that only who knows the secret can make.
fn made(secret: &str, of: &[&str]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let mac = mac.map(|mac| mac.chain_update("chat-simulator\0").chain_update(of.join("\0")));
    mac.map(|mac| hex::encode(mac.finalize().into_bytes())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tenant_has_names_of_its_own_that_are_nobody_s() {
        assert_ne!(own_name("acme", "whatsapp"), own_name("globex", "whatsapp"));
        assert_ne!(own_name("acme", "whatsapp"), own_name("acme", "sms"));
        assert!(own_name("acme", "sms").starts_with("999") && own_name("acme", "sms").len() == 15);
        assert!(own_name("acme", "email").ends_with(".invalid"));
    }

    #[test]
    fn what_is_made_of_a_secret_is_another_for_everything_and_not_the_secret() {
        let all = [made("s", &["acme", "sms"]), made("s", &["acme", "web"]), made("t", &["acme", "sms"])];
        assert!(all.iter().all(|one| one.len() == 64));
        assert!(all[0] != all[1] && all[0] != all[2]);
    }
}
