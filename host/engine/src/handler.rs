//! Which generation of `wasi:http` a component serves: read from the names of its exports, before it is compiled.

use crate::limits::Limits;

/// The export of WASI 0.3: asynchronous, so that one instance serves many requests at a time.
const HANDLER_03: &str = "wasi:http/handler@0.3.0";

/// The export of WASI 0.2, in any patch version: their types are the same.
const HANDLER_02: &str = "wasi:http/incoming-handler@0.2.";

/// Requests that a component of WASI 0.2 serves at once by default. Each costs an instance; 64 wait well, more would
/// claim address space that nobody uses.
const FRESH_INSTANCES: usize = 64;

/// How a component takes requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handler {
    /// `wasi:http/incoming-handler@0.2.x`: synchronous, a fresh instance for each request.
    Wasi02,
    /// `wasi:http/handler@0.3.0`: instances are shared and reused.
    Wasi03,
}

/// Why a component can not serve requests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandlerError {
    #[error(
        "it does not export `wasi:http/handler@0.3.0`, nor `wasi:http/incoming-handler@0.2.x`; build it with spin-sdk 7"
    )]
    None,
    #[error("it exports `{0}`, a draft of WASI that was never released; build it with spin-sdk 7")]
    Draft(String),
    #[error("it exports `{0}`, from before WASI 0.2; build it with spin-sdk 7")]
    Ancient(String),
    #[error("it exports `{0}`: it is a command, and commands answer no requests; export an HTTP handler instead")]
    Command(String),
    #[error("it exports more than one handler (`{}`); export only one", .0.join("`, `"))]
    Several(Vec<String>),
}

impl Handler {
    /// Finds the handler among the names that a component exports.
    pub fn among<'a>(exports: impl Iterator<Item = &'a str> + Clone) -> Result<Self, HandlerError> {
        let found: Vec<(&str, Self)> =
            exports.clone().filter_map(|name| Self::of(name).map(|handler| (name, handler))).collect();
        match found.as_slice() {
            [(_, handler)] => Ok(*handler),
            [] => Err(absence(exports)),
            several => Err(HandlerError::Several(several.iter().map(|(name, _)| (*name).to_owned()).collect())),
        }
    }

    fn of(export: &str) -> Option<Self> {
        let is_release = |patch: &str| !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit());
        if export == HANDLER_03 {
            return Some(Self::Wasi03);
        }
        export.strip_prefix(HANDLER_02).filter(|patch| is_release(patch)).map(|_| Self::Wasi02)
    }

    /// The limits as they work out for this handler: what runs alone in its instance needs as many instances as requests.
    pub fn limits(self, limits: Limits) -> Limits {
        match self {
            Self::Wasi03 => limits,
            Self::Wasi02 => {
                let at_once = limits.outside().min(FRESH_INSTANCES);
                Limits { concurrency: 1, reuse: 1, instances: limits.instances.max(at_once), ..limits }
            }
        }
    }
}

/// The likeliest reason that there is no handler.
fn absence<'a>(exports: impl Iterator<Item = &'a str> + Clone) -> HandlerError {
    let find = |prefix: &str| exports.clone().find(|name| name.starts_with(prefix)).map(str::to_owned);
    if let Some(name) = find("wasi:http/handler@").or_else(|| find("wasi:http/incoming-handler@")) {
        return HandlerError::Draft(name);
    }
    if let Some(name) = find("fermyon:spin/inbound-http").or_else(|| find("inbound-http")) {
        return HandlerError::Ancient(name);
    }
    find("wasi:cli/run@").map_or(HandlerError::None, HandlerError::Command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn among(exports: &[&str]) -> Result<Handler, HandlerError> {
        Handler::among(exports.iter().copied())
    }

    #[test]
    fn finds_either_generation_beside_other_exports() {
        assert_eq!(among(&["a:b/c@0.1.0", "wasi:http/handler@0.3.0"]), Ok(Handler::Wasi03));
        assert_eq!(among(&["wasi:http/incoming-handler@0.2.0"]), Ok(Handler::Wasi02));
        assert_eq!(among(&["wasi:http/incoming-handler@0.2.12"]), Ok(Handler::Wasi02));
    }

    #[test]
    fn says_what_it_found_instead() {
        assert_eq!(among(&["a:b/c@0.1.0"]), Err(HandlerError::None));
        for draft in ["wasi:http/handler@0.3.0-rc-2026-03-15", "wasi:http/incoming-handler@0.2.0-rc-2023-11-10"] {
            assert_eq!(among(&[draft]), Err(HandlerError::Draft(draft.into())));
        }
        assert!(matches!(among(&["wasi:cli/run@0.2.3"]), Err(HandlerError::Command(_))));
        assert!(matches!(among(&["fermyon:spin/inbound-http"]), Err(HandlerError::Ancient(_))));
    }

    #[test]
    fn refuses_to_choose() {
        let both = ["wasi:http/incoming-handler@0.2.0", "wasi:http/handler@0.3.0"];
        assert!(matches!(among(&both), Err(HandlerError::Several(_))));
    }

    #[test]
    fn an_instance_of_its_own_for_each_request_of_wasi_02() {
        let limits = Handler::Wasi02.limits(Limits::some());
        assert_eq!((limits.concurrency, limits.reuse, limits.instances), (1, 1, FRESH_INSTANCES));
        let wide = Handler::Wasi02.limits(Limits { instances: 500, ..Limits::some() });
        assert_eq!(wide.instances, 500, "who asks for more gets it");
    }
}
