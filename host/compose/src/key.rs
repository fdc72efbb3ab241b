//! The keys of a dependencies table, and which imports they mean.

use semver::Version;

/// `plain`, `ns:pkg`, `ns:pkg@1.0.0`, `ns:pkg/iface` or `ns:pkg/iface@1.0.0`: parts left out match anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DependencyKey<'a> {
    /// `ns:pkg`, or a plain name.
    package: &'a str,
    interface: Option<&'a str>,
    version: Option<Version>,
}

impl<'a> DependencyKey<'a> {
    pub fn parse(text: &'a str) -> Result<DependencyKey<'a>, String> {
        let (path, version) = match text.split_once('@') {
            Some((path, version)) => {
                let version = Version::parse(version).map_err(|error| format!("`{version}` is no version: {error}"))?;
                (path, Some(version))
            }
            None => (text, None),
        };
        let (package, interface) = match path.split_once('/') {
            Some((package, interface)) => (package, Some(interface)),
            None => (path, None),
        };
        let qualified = package.contains(':');
        if package.is_empty() || interface == Some("") || (!qualified && (interface.is_some() || version.is_some())) {
            return Err("write a name, `ns:package` or `ns:package/interface`, with `@version` or without".to_owned());
        }
        Ok(DependencyKey { package, interface, version })
    }

    /// Whether the key means this import. Versions are compared exactly, as Spin compares them: a key that only we
    /// understood would make a manifest that only we can run.
    pub fn matches(&self, import: &str) -> bool {
        let Ok(import) = DependencyKey::parse(import) else { return false };
        self.package == import.package
            && self.interface.is_none_or(|interface| import.interface == Some(interface))
            && self.version.as_ref().is_none_or(|version| import.version.as_ref() == Some(version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(key: &str, import: &str) -> bool {
        DependencyKey::parse(key).unwrap().matches(import)
    }

    #[test]
    fn what_a_key_leaves_out_matches_anything() {
        assert!(matches("a:b/c@0.1.0", "a:b/c@0.1.0"));
        assert!(matches("a:b/c", "a:b/c@0.1.0"));
        assert!(matches("a:b/c", "a:b/c"));
        assert!(matches("a:b", "a:b/c@0.1.0"));
        assert!(matches("a:b@0.1.0", "a:b/c@0.1.0"));
        assert!(matches("logger", "logger"));
    }

    #[test]
    fn what_a_key_says_must_be_so() {
        assert!(!matches("a:b/c@0.1.0", "a:b/c@0.1.1"));
        assert!(!matches("a:b/c@0.1.0", "a:b/c"));
        assert!(!matches("a:b/c", "a:b/cc"));
        assert!(!matches("a:b", "a:bb/c"));
        assert!(!matches("logger", "log"));
    }

    #[test]
    fn a_malformed_key_is_refused() {
        for key in ["", "a:b/", "a:b@1", "logger@1.0.0", "a/b"] {
            assert!(DependencyKey::parse(key).is_err(), "{key}");
        }
    }
}
