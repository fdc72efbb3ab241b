//! The key of a dependency: which import, or which imports, it satisfies.

use super::is_plain;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DependencyName {
    /// `logger`
    Plain(String),
    /// `ns:pkg[@version]`: every interface of the package.
    Package { package: String, version: Option<semver::Version> },
    /// `ns:pkg/interface[@version]`; `package` is `ns:pkg`.
    Interface { package: String, interface: String, version: Option<semver::Version> },
}

impl DependencyName {
    pub fn parse(text: &str) -> Result<Self, String> {
        let refuse = || {
            format!(
                "`{text}` is no import; write a name, `ns:package` or `ns:package/interface`, each with `@version` if it has one"
            )
        };
        let (path, version) = match text.split_once('@') {
            Some((path, version)) => (path, Some(semver::Version::parse(version).map_err(|_| refuse())?)),
            None => (text, None),
        };
        if version.is_none() && is_plain(path) {
            return Ok(Self::Plain(path.to_owned()));
        }
        let (package, interface) = match path.split_once('/') {
            Some((package, interface)) if is_plain(interface) => (package, Some(interface.to_owned())),
            Some(_) => return Err(refuse()),
            None => (path, None),
        };
        let package = self::package(package).map_err(|_| refuse())?;
        Ok(match interface {
            Some(interface) => Self::Interface { package, interface, version },
            None => Self::Package { package, version },
        })
    }

    /// `ns:pkg`, where it names one.
    pub fn package(&self) -> Option<&str> {
        match self {
            Self::Plain(_) => None,
            Self::Package { package, .. } | Self::Interface { package, .. } => Some(package),
        }
    }

    /// Whether one import could be meant by both.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (Some((package, interface, version)), Some((other_package, other_interface, other_version))) =
            (self.qualified(), other.qualified())
        else {
            return self == other;
        };
        package == other_package && may_be_equal(interface, other_interface) && may_be_equal(version, other_version)
    }

    fn qualified(&self) -> Option<(&str, Option<&str>, Option<&semver::Version>)> {
        match self {
            Self::Plain(_) => None,
            Self::Package { package, version } => Some((package, None, version.as_ref())),
            Self::Interface { package, interface, version } => Some((package, Some(interface), version.as_ref())),
        }
    }
}

/// What is left out stands for anything.
fn may_be_equal<T: PartialEq>(left: Option<T>, right: Option<T>) -> bool {
    left.is_none() || right.is_none() || left == right
}

/// `ns:pkg`
pub(crate) fn package(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some((namespace, name)) if is_plain(namespace) && is_plain(name) => Ok(text.to_owned()),
        _ => Err(format!("`{text}` is no package; write `namespace:name`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DependencyName {
        DependencyName::parse(text).unwrap()
    }

    #[test]
    fn reads_every_form() {
        let version = Some(semver::Version::new(0, 1, 0));
        assert_eq!(name("my-logger"), DependencyName::Plain("my-logger".into()));
        assert_eq!(name("a:b"), DependencyName::Package { package: "a:b".into(), version: None });
        assert_eq!(name("a:b@0.1.0"), DependencyName::Package { package: "a:b".into(), version: version.clone() });
        let interface = DependencyName::Interface { package: "a:b".into(), interface: "c".into(), version };
        assert_eq!(name("a:b/c@0.1.0"), interface);
        for bad in ["", "A_b", "a:b/c/d", "a:", "a:b@x", "a@1.0.0", "a:b/"] {
            assert!(DependencyName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn finds_overlaps() {
        for (left, right) in
            [("a:b", "a:b/c"), ("a:b", "a:b@1.0.0"), ("a:b/c", "a:b/c@1.0.0"), ("a:b@1.0.0", "a:b/c@1.0.0")]
        {
            assert!(name(left).overlaps(&name(right)) && name(right).overlaps(&name(left)), "{left} {right}");
        }
        for (left, right) in [("a:b/c", "a:b/d"), ("a:b@1.0.0", "a:b/c@2.0.0"), ("a:b", "a:c"), ("logger", "a:logger")]
        {
            assert!(!name(left).overlaps(&name(right)), "{left} {right}");
        }
    }
}
