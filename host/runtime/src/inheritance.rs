//! `inherit_configuration`: what a composed dependency or layer may use of its depender's configuration. The rest is withheld.

use kobliat_compose::{capability, withhold};
use kobliat_manifest::{Capability, Inherit};
use std::collections::BTreeSet;

/// The part without what it may not use. `linked` are the depender's links, which are no configuration and go with all of it only.
pub fn restrict(what: &str, part: Vec<u8>, inherit: &Inherit, linked: &BTreeSet<&str>) -> Result<Vec<u8>, String> {
    let denied = |import: &str| denial(what, import, inherit, linked);
    withhold(what, part, denied).map_err(|error| error.to_string())
}

/// Why it may not use the import, and what lets it; `None` when it may.
fn denial(what: &str, import: &str, inherit: &Inherit, linked: &BTreeSet<&str>) -> Option<String> {
    let allows = |key: &str| match inherit {
        Inherit::Everything => true,
        Inherit::Nothing => false,
        Inherit::Only(keys) => keys.iter().copied().map(Capability::name).any(|inherited| inherited == key),
    };
    if let Some(key) = capability(import) {
        let fix = format!("add \"{key}\" to its `inherit_configuration` in spin.toml");
        return (!allows(key)).then(|| format!("{what} may not use `{import}`: {fix}"));
    }
    let is_denied = linked.contains(import) && *inherit != Inherit::Everything;
    is_denied
        .then(|| format!("{what} may not call `{import}`: write `inherit_configuration = true` for it in spin.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HTTP: &str = "wasi:http/client@0.3.0";
    const LINKED: &str = "a:b/c@0.1.0";

    fn denied(import: &str, inherit: &Inherit) -> Option<String> {
        denial("the dependency `x:y` of component `web`", import, inherit, &BTreeSet::from([LINKED]))
    }

    #[test]
    fn nothing_is_inherited_unless_it_is_said() {
        let said = denied(HTTP, &Inherit::Nothing).unwrap();
        assert!(said.starts_with("the dependency `x:y` of component `web` may not use"), "{said}");
        assert!(said.contains("add \"allowed_outbound_hosts\" to its `inherit_configuration`"), "{said}");
        assert!(denied(HTTP, &Inherit::Only(BTreeSet::from([Capability::Files]))).is_some());
        assert!(denied(HTTP, &Inherit::Only(BTreeSet::from([Capability::AllowedOutboundHosts]))).is_none());
        assert!(denied(HTTP, &Inherit::Everything).is_none());
    }

    #[test]
    fn links_go_with_everything_only() {
        assert!(denied(LINKED, &Inherit::Only(Capability::ALL.into())).is_some());
        assert!(denied(LINKED, &Inherit::Everything).is_none());
        assert!(denied("d:e/f@0.1.0", &Inherit::Nothing).is_none(), "nobody grants it, and the linker says so");
    }
}
