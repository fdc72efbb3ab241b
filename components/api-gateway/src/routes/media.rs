//! `/media`: attachments. Files stream through the gateway in both directions, and a signed link needs no credential.

use http::{Method, Response};

use super::{Action, Doc, Route, Service};
use crate::call::Call;
use crate::clients::{Body, Outside};
use crate::forward;
use sdk::Problem;
use sdk::query::Query;

const READ: &[&str] = &["media:read"];
const WRITE: &[&str] = &["media:write"];
const FORWARD: Action = Action::Forward(Service::Media);

/// What passes through unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Do {
    Upload,
    Content,
}

pub const ROUTES: &[Route] = &[
    Route::post(
        "/media/upload",
        WRITE,
        Action::Media(Do::Upload),
        Doc::new("uploadMedia", "Upload a file: the type is found out, not believed", &[(201, Some("Media"))])
            .made_in("/media")
            .body("NewMedia"),
    ),
    Route::get(
        "/media/{id}",
        READ,
        FORWARD,
        Doc::new("getMedia", "What is known of an attachment", &[(200, Some("Media"))]).has_etag(),
    ),
    Route::get(
        "/media/{id}/download",
        READ,
        FORWARD,
        Doc::new("linkMedia", "A link that works without a credential, for a while", &[(200, Some("MediaLink"))])
            .query(&["variant"]),
    ),
    Route::get(
        "/media/{id}/content",
        READ,
        Action::Media(Do::Content),
        Doc::new("getMediaContent", "The bytes, whole or the parts that `Range` names", &[(200, None), (206, None)])
            .has_etag()
            .query(&["variant"]),
    ),
    Route::delete(
        "/media/{id}",
        WRITE,
        FORWARD,
        Doc::new("deleteMedia", "Delete an attachment; identical ones keep their bytes", &[(204, None)]).if_match(),
    ),
    Route::delete(
        "/media",
        WRITE,
        FORWARD,
        Doc::new("deleteMediaOfConversation", "Delete all of a conversation's attachments", &[(200, Some("Deleted"))])
            .query(&["conversation_id"]),
    ),
];

/// Whether the request brings its right along: the service checks the signature.
pub fn is_signed(route: &Route, query: Option<&str>) -> bool {
    let carries = |query: &str| Query::parse(query).is_ok_and(|query| query.get("signature").is_some());
    route.action == Action::Media(Do::Content) && query.is_some_and(carries)
}

/// The body goes to the service as it comes in, and the answer comes back as it goes out.
pub async fn stream<B: Outside>(
    outside: &B,
    call: &Call<'_>,
    path: &str,
    body: Body,
) -> Result<Response<Body>, Problem> {
    let body = (*call.method == Method::POST).then_some(body);
    forward::stream(outside, call, Service::Media, path, body).await
}
