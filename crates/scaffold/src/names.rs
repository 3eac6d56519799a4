//! The names of a project, and those of its template that they replace.

/// The project's name in all templates. It stands for nothing else there, and neither do those below.
const NAME: &str = "example-decider";
/// The same in languages whose names have no hyphens.
const IDENTIFIER: &str = "example_decider";
/// The path of the module in Go.
const MODULE: &str = "example.com/decider";
/// The package in Java and Kotlin, and its folder.
const PACKAGE: [&str; 2] = ["com.example.decider", "com/example/decider"];

/// Names of Python packages that are in every project.
const TAKEN: [&str; 5] = ["google", "grpc", "openim", "proto", "tests"];

/// The names of a project, each after the one that it replaces.
#[derive(Debug)]
pub(crate) struct Names(Vec<(&'static str, String)>);

/// The form of a package's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PackageForm {
    /// Go's: a path, which begins with a host.
    Module,
    /// That of Java and Kotlin: words joined by dots.
    Dotted,
}

/// A name that a project can't have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongName {
    /// The project's.
    #[error(
        "must be lower-case words of letters and digits, joined by hyphens, such as acme-rules"
    )]
    Name,
    /// The project's, if another package in it has that name already.
    #[error("is the name of a package that every project has; take another")]
    Taken,
    /// The path of a module in Go.
    #[error("must be the path of a Go module, such as github.com/acme/rules")]
    Module,
    /// The package in Java and Kotlin.
    #[error("must be a package of lower-case names, such as com.acme.rules")]
    Package,
    /// A package, in a language without one.
    #[error("has no meaning in this language; Go, Java and Kotlin have it")]
    NoPackage,
}

impl PackageForm {
    /// The form in a template, by the names that it mentions; `None` in languages without one.
    pub(crate) fn of(mentions: impl Fn(&str) -> bool) -> Option<Self> {
        let forms = [(MODULE, Self::Module), (PACKAGE[0], Self::Dotted)];
        forms.into_iter().find(|(name, _)| mentions(name)).map(|(_, form)| form)
    }
}

impl Names {
    pub(crate) fn new(
        name: &str,
        package: Option<&str>,
        form: Option<PackageForm>,
    ) -> Result<Self, WrongName> {
        if !is_name(name) {
            return Err(WrongName::Name);
        }
        if TAKEN.contains(&name) {
            return Err(WrongName::Taken);
        }
        let mut names = vec![(NAME, name.to_owned()), (IDENTIFIER, name.replace('-', "_"))];
        match (form, package) {
            (None, None) => {}
            (None, Some(_)) => return Err(WrongName::NoPackage),
            (Some(PackageForm::Module), None) => {
                names.push((MODULE, format!("example.com/{name}")))
            }
            (Some(PackageForm::Module), Some(path)) if is_module(path) => {
                names.push((MODULE, path.to_owned()));
            }
            (Some(PackageForm::Module), Some(_)) => return Err(WrongName::Module),
            (Some(PackageForm::Dotted), None) => {
                names.extend(dotted(&format!("com.example.{}", name.replace('-', ""))));
            }
            (Some(PackageForm::Dotted), Some(package)) if is_package(package) => {
                names.extend(dotted(package));
            }
            (Some(PackageForm::Dotted), Some(_)) => return Err(WrongName::Package),
        }
        Ok(Self(names))
    }

    /// A path or text of the template, with these names.
    pub(crate) fn replace(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new))
    }
}

/// A package and its folder.
fn dotted(package: &str) -> [(&'static str, String); 2] {
    [(PACKAGE[0], package.to_owned()), (PACKAGE[1], package.replace('.', "/"))]
}

fn is_name(name: &str) -> bool {
    is_word(name)
        && name.split('-').all(|word| !word.is_empty() && word.bytes().all(is_letter_or_digit))
}

fn is_package(package: &str) -> bool {
    let is_rest = |byte| is_letter_or_digit(byte) || byte == b'_';
    package.split('.').all(|name| is_word(name) && name.bytes().all(is_rest))
}

/// True if a path has no empty element, and only characters that Go allows.
fn is_module(path: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let is_element =
        |element: &str| !element.is_empty() && !element.starts_with('.') && !element.ends_with('.');
    path.split('/').all(|element| is_element(element) && element.bytes().all(is_allowed))
}

fn is_word(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_lowercase())
}

fn is_letter_or_digit(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TEMPLATES;

    /// The project's text for one in the template, or why there is no project.
    fn replaced(
        form: Option<PackageForm>,
        package: Option<&str>,
        old: &str,
    ) -> Result<String, WrongName> {
        Names::new("acme-rules", package, form).map(|names| names.replace(old))
    }

    #[test]
    fn no_name_of_a_template_is_left_in_a_project() {
        let old = [NAME, IDENTIFIER, MODULE, PACKAGE[0], PACKAGE[1]];
        for template in TEMPLATES {
            for (path, text) in template.project("acme-rules", None).expect("valid names") {
                for old in old {
                    assert!(!path.contains(old) && !text.contains(old), "{path} has {old}");
                }
            }
        }
    }

    #[test]
    fn a_package_has_the_form_of_its_language() {
        let (module, dotted) = (Some(PackageForm::Module), Some(PackageForm::Dotted));
        let path = Some("github.com/acme/rules");
        assert_eq!(replaced(module, path, MODULE), Ok("github.com/acme/rules".into()));
        assert_eq!(replaced(module, None, MODULE), Ok("example.com/acme-rules".into()));
        assert_eq!(replaced(dotted, Some("com.acme"), PACKAGE[1]), Ok("com/acme".into()));
        assert_eq!(replaced(dotted, None, PACKAGE[0]), Ok("com.example.acmerules".into()));
        assert_eq!(replaced(None, None, IDENTIFIER), Ok("acme_rules".into()));

        for path in ["", "a//b", "/a", "a/", "a b", "../a"] {
            assert_eq!(replaced(module, Some(path), ""), Err(WrongName::Module), "{path}");
        }
        for package in ["", "a..b", ".a", "a.", "com.1a", "com.Acme", "com/acme"] {
            assert_eq!(replaced(dotted, Some(package), ""), Err(WrongName::Package), "{package}");
        }
        assert_eq!(replaced(None, Some("com.acme"), ""), Err(WrongName::NoPackage));
    }

    #[test]
    fn a_name_is_one_in_every_language() {
        let wrong = |name| Names::new(name, None, None).err();
        for name in ["", "-a", "a-", "a--b", "1a", "Acme", "acme_rules", "a.b", "a/b", "ä"] {
            assert_eq!(wrong(name), Some(WrongName::Name), "{name}");
        }
        assert_eq!(wrong("openim"), Some(WrongName::Taken));
        assert_eq!(wrong("a1-2b"), None);
    }
}
