//! A job is one request or typed call on its way to an instance, with the way back.

use crate::context::CallContext;
use crate::http_client::Body;
use futures::channel::oneshot as http_reply;
use tokio::sync::oneshot;
use wasmtime::component::Val;

/// Why a request did not get the component's answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpFailure {
    #[error("the component has more requests than it may queue")]
    Overloaded,
    #[error("the component is stopped")]
    Stopped,
    #[error("the body is larger than the component takes")]
    BodyTooLarge,
    #[error("the component did not answer in time")]
    Timeout,
    #[error("the instance crashed")]
    Crashed,
    #[error("no instance could be started: {0}")]
    Start(String),
    /// The handler returned an `error-code`.
    #[error("the component answered with an error: {0}")]
    Guest(String),
    #[error("calls between components are nested too deeply")]
    TooDeep,
}

impl HttpFailure {
    /// What whoever asked may know: not why an instance could not be started, nor what the guest's error says.
    pub fn told(&self) -> String {
        match self {
            Self::Start(_) => "no instance could be started".to_owned(),
            Self::Guest(_) => "the component answered with an error".to_owned(),
            other => other.to_string(),
        }
    }
}

/// Why a typed call did not get the callee's answer; the caller sees it as `unavailable`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    #[error("has more calls than it may queue")]
    Overloaded,
    #[error("is stopped")]
    Stopped,
    #[error("did not answer in time")]
    Timeout,
    #[error("crashed while this call was running")]
    Crashed,
    #[error("could not be started: {0}")]
    Start(String),
    #[error("was not called: calls between components are nested too deeply")]
    TooDeep,
}

impl From<CallError> for HttpFailure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Overloaded => Self::Overloaded,
            CallError::Stopped => Self::Stopped,
            CallError::Timeout => Self::Timeout,
            CallError::Crashed => Self::Crashed,
            CallError::Start(reason) => Self::Start(reason),
            CallError::TooDeep => Self::TooDeep,
        }
    }
}

pub(crate) type HttpReply = http_reply::Sender<wasmtime::Result<http::Response<Body>>>;
pub(crate) type CallReply = oneshot::Sender<Result<Vec<Val>, CallError>>;

pub(crate) struct Job {
    pub context: CallContext,
    pub work: Work,
}

pub(crate) enum Work {
    /// Boxed: a request's head is large, and a job is moved several times.
    Http {
        request: Box<http::Request<Body>>,
        reply: HttpReply,
    },
    Call {
        function: usize,
        params: Vec<Val>,
        reply: CallReply,
    },
}

impl Job {
    /// Nobody waits for the answer any more.
    pub fn is_abandoned(&self) -> bool {
        let gone = match &self.work {
            Work::Http { reply, .. } => reply.is_canceled(),
            Work::Call { reply, .. } => reply.is_closed(),
        };
        gone || self.context.expired()
    }

    /// Answers that the job was not done. A receiver that is gone needs no answer.
    pub fn refuse(self, error: CallError) {
        match self.work {
            Work::Http { reply, .. } => drop(reply.send(Err(HttpFailure::from(error).into()))),
            Work::Call { reply, .. } => drop(reply.send(Err(error))),
        }
    }
}
