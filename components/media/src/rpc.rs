//! The typed interface `kobliat:media/media`: what is known of attachments. Their bytes go by HTTP.

use sdk::{Context, Error, invalid, sql::Driver};

use crate::{
    app::{App, Platform},
    bindings::exports::kobliat::media::media::{self as wit, Guest},
    domain::{self, Expected, MAX_FAILURE, MAX_IDS, Media, Status},
    store,
};

/// What the component lends to its typed interface.
pub trait Lent: 'static {
    type Driver: Driver + 'static;
    type Platform: Platform;

    fn app() -> &'static App<Self::Driver, Self::Platform>;
}

impl<L: Lent> Guest for L {
    async fn get_many(context: Context, ids: Vec<String>) -> Result<Vec<wit::Medium>, wit::Error> {
        let found = get_many(L::app(), &context, &ids).await;
        Ok(found.map_err(|e| error(&context, e))?.into_iter().map(Into::into).collect())
    }

    async fn expect_many(context: Context, expected: Vec<wit::Expected>) -> Result<Vec<wit::Medium>, wit::Error> {
        let announced = expect_many(L::app(), &context, expected).await;
        Ok(announced.map_err(|e| error(&context, e))?.into_iter().map(Into::into).collect())
    }

    async fn fail(context: Context, id: String, failure: String) -> Result<wit::Medium, wit::Error> {
        let failure: String = failure.chars().take(MAX_FAILURE).collect();
        let app = L::app();
        let failed = store::media::fail(&app.database, &context.tenant, &id, &failure, app.now()).await;
        let failed = failed.and_then(|media| media.ok_or(Error::NotFound));
        failed.map(Into::into).map_err(|e| error(&context, e))
    }
}

async fn get_many<D: Driver, P: Platform>(
    app: &App<D, P>,
    context: &Context,
    ids: &[String],
) -> Result<Vec<Media>, Error> {
    if ids.len() > MAX_IDS {
        return Err(invalid("ids", format!("at most {MAX_IDS}")));
    }
    store::media::get_many(&app.database, &context.tenant, ids).await
}

async fn expect_many<D: Driver, P: Platform>(
    app: &App<D, P>,
    context: &Context,
    expected: Vec<wit::Expected>,
) -> Result<Vec<Media>, Error> {
    let expected = expected.into_iter().map(|one| Expected {
        reference: one.reference,
        conversation_id: one.conversation_id,
        filename: one.filename,
    });
    let expected = domain::check_expected(context, expected.collect())?;
    let mut announced = Vec::with_capacity(expected.len());
    for one in &expected {
        announced.push(store::media::expect(&app.database, &context.tenant, one, app.now()).await?);
    }
    Ok(announced)
}

sdk::typed_error!(wit::Error);

impl From<Media> for wit::Medium {
    fn from(media: Media) -> Self {
        Self {
            id: media.id,
            status: match media.status {
                Status::Pending => wit::Status::Pending,
                Status::Ready => wit::Status::Ready,
                Status::Failed => wit::Status::Failed,
            },
            failure: media.failure,
            conversation_id: media.conversation_id,
            filename: media.filename,
            mime_type: media.content.as_ref().map(|content| content.mime_type.clone()),
            size: media.content.as_ref().map(|content| content.size),
            sha256: media.content.map(|content| content.sha256),
            created_at: media.created_at,
            updated_at: media.updated_at,
        }
    }
}
