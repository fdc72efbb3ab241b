//! The public paths: which exist, who may use them, and whether a service or the gateway itself answers.

pub mod api_keys;
pub mod channels;
pub mod conversations;
pub mod customers;
pub mod dead_letters;
pub mod inbox;
pub mod logs;
pub mod media;
pub mod messages;
pub mod notifications;
pub mod oauth;
pub mod services;
pub mod simulate;
pub mod telemetry;
mod telling;
pub mod tenants;
pub mod users;

mod own;
mod table;

use http::Method;

pub use own::{Verb, first_own_answer_or};
pub use table::{Answer, Doc, Route};

/// Everything below this prefix is the public API, version 1.
pub const API_PREFIX: &str = "/api/v1";

/// A service that answers whole requests at `http://<id>.spin.internal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Customer,
    Conversation,
    Messaging,
    Notification,
    /// For the channel accounts; webhooks do not come through here.
    Inbound,
    ChatSimulator,
    Media,
}

impl Service {
    /// Without these there is no conversation: the gateway is ready when they are.
    pub const NEEDED: [Self; 3] = [Self::Customer, Self::Conversation, Self::Messaging];
    pub const ALL: [Self; 7] = [
        Self::Customer,
        Self::Conversation,
        Self::Messaging,
        Self::Notification,
        Self::Inbound,
        Self::ChatSimulator,
        Self::Media,
    ];

    /// The component's id, which is also its internal host name.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Conversation => "conversation",
            Self::Messaging => "messaging",
            Self::Notification => "notification",
            Self::Inbound => "inbound-gateway",
            Self::ChatSimulator => "chat-simulator",
            Self::Media => "media",
        }
    }
}

/// Who answers a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The service that owns the resource, at the same path without the prefix.
    Forward(Service),
    GetCustomer,
    GetConversation,
    ListConversations,
    ListCustomerConversations,
    CreateConversation,
    ConversationDetails,
    ListMessages,
    Reply,
    MarkRead,
    AddParticipant,
    CreateMessage,
    ChangeMessage,
    ApiKeys(api_keys::Do),
    Tenants(Verb),
    Users(Verb),
    Channels,
    Logs(logs::Do),
    Services(services::Do),
    DeadLetters(dead_letters::Do),
    Telemetry(telemetry::Do),
    Media(media::Do),
    OAuth(oauth::Do),
}

/// What the table says about a method and a path.
pub enum Match<'p> {
    Found(&'static Route, Vec<&'p str>),
    /// The path exists; these methods are its own.
    OtherMethods(Vec<Method>),
    Unknown,
}

pub fn all() -> impl Iterator<Item = &'static Route> {
    [
        customers::ROUTES,
        conversations::ROUTES,
        messages::ROUTES,
        api_keys::ROUTES,
        users::ROUTES,
        channels::ROUTES,
        tenants::ROUTES,
        oauth::ROUTES,
        logs::ROUTES,
        services::ROUTES,
        dead_letters::ROUTES,
        telemetry::ROUTES,
        notifications::ROUTES,
        simulate::ROUTES,
        media::ROUTES,
    ]
    .into_iter()
    .flatten()
}

/// Looks a path (below the prefix) up. One trailing slash makes no difference; `HEAD` is answered as `GET` is.
pub fn find<'p>(method: &Method, path: &'p str) -> Match<'p> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let mut others = Vec::new();
    for route in all() {
        match parameters(route.path, path) {
            Some(parameters) if route.method == *method => return Match::Found(route, parameters),
            Some(_) => others.push(route.method.clone()),
            None => {}
        }
    }
    if others.is_empty() { Match::Unknown } else { Match::OtherMethods(others) }
}

/// The values of the pattern's parameters in order, if the path has its shape. They are as the client encoded them.
fn parameters<'p>(pattern: &str, path: &'p str) -> Option<Vec<&'p str>> {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    let mut found = Vec::new();
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return Some(found),
            (Some(wanted), Some(segment)) if wanted == segment && !wanted.starts_with('{') => {}
            (Some("{id}"), Some(segment)) if is_uuid(segment) => found.push(segment),
            (Some(wanted), Some(segment)) if wanted.starts_with('{') && wanted != "{id}" && is_plain(segment) => {
                found.push(segment);
            }
            _ => return None,
        }
    }
}

/// The pattern's path with these parameters: what the service is asked for. Ids are in lower case, as they are stored.
pub fn fill(pattern: &str, parameters: &[&str]) -> String {
    let mut parameters = parameters.iter();
    let fill_one = |segment: &str| match segment {
        "{id}" => parameters.next().map(|id| id.to_ascii_lowercase()).unwrap_or_default(),
        segment if segment.starts_with('{') => parameters.next().copied().unwrap_or_default().to_owned(),
        segment => segment.to_owned(),
    };
    pattern.split('/').map(fill_one).collect::<Vec<_>>().join("/")
}

/// The path as a log may keep it: an external id is a person's number or address.
pub fn fill_for_log(pattern: &str, parameters: &[&str]) -> String {
    let mut parameters = parameters.iter();
    let fill_one = |segment: &str| match segment {
        segment if segment.starts_with('{') => {
            let value = parameters.next().copied().unwrap_or_default();
            if segment == "{external_id}" { segment.to_owned() } else { value.to_owned() }
        }
        segment => segment.to_owned(),
    };
    pattern.split('/').map(fill_one).collect::<Vec<_>>().join("/")
}

/// Not empty and no dot segment, which an HTTP client on the way could resolve into another path.
fn is_plain(segment: &str) -> bool {
    !segment.is_empty() && !matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

/// The hyphenated form, in either case.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
