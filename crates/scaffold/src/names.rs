//! The names of a project, and those of its template that they replace.

/// The project's name in all templates. It stands for nothing else there, and neither do those below.
const NAME: &str = "example-decider";
/// The path of the module in Go.
const MODULE: &str = "example.com/decider";
/// The package in Java and Kotlin, and its folder.
const PACKAGE: &str = "com.example.decider";
const PACKAGE_FOLDER: &str = "com/example/decider";

/// Names that cargo forbids for a program, since its own folders have them.
const OF_CARGO: [&str; 4] = ["build", "deps", "examples", "incremental"];

/// The longest name of a project, in bytes.
const LONGEST: usize = 60;

/// The words that no part of a package may be: Java's keywords, and Kotlin's hard ones.
const KEYWORDS: &str = "abstract as assert boolean break byte case catch char class const continue default do double \
    else enum extends false final finally float for fun goto if implements import in instanceof int interface is long \
    native new null object package private protected public return short static strictfp super switch synchronized \
    this throw throws transient true try typealias typeof val var void volatile when while";

/// The names of a project, each after the one that it replaces.
#[derive(Debug)]
pub(crate) struct Names(Vec<(&'static str, String)>);

/// A name that a project can't have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WrongName {
    /// The project's.
    #[error(
        "must be lower-case words of letters and digits, joined by hyphens, 60 at most, such as acme-rules"
    )]
    Name,
    /// The project's, if something in it has that name already.
    #[error("is the name of something that the project is built with; take another")]
    Taken,
    /// The path of a module in Go.
    #[error("must be the path of a Go module, such as github.com/acme/rules")]
    Module,
    /// The package in Java and Kotlin.
    #[error("must be a package of lower-case names that are no keywords, such as com.acme.rules")]
    Package,
    /// A package, in a language without one.
    #[error("has no meaning in this language; Go, Java and Kotlin have it")]
    NoPackage,
}

impl Names {
    /// The names in the place of those that a template mentions.
    pub(crate) fn new(
        name: &str,
        package: Option<&str>,
        mentions: impl Fn(&str) -> bool,
    ) -> Result<Self, WrongName> {
        if !is_name(name) {
            return Err(WrongName::Name);
        }
        // Build files and lock files name in quotes what they depend on.
        let is_mentioned = name != NAME && mentions(&format!("\"{name}\""));
        if OF_CARGO.contains(&name) || is_mentioned {
            return Err(WrongName::Taken);
        }
        let mut names = vec![(NAME, name.to_owned())];
        if mentions(MODULE) {
            let module = package.map_or_else(|| format!("example.com/{name}"), str::to_owned);
            let module = Some(module).filter(|path| is_module(path)).ok_or(WrongName::Module)?;
            names.push((MODULE, module));
        } else if let Some(package) = package {
            if !mentions(PACKAGE) {
                return Err(WrongName::NoPackage);
            }
            if !is_package(package) {
                return Err(WrongName::Package);
            }
            names.push((PACKAGE_FOLDER, package.replace('.', "/")));
            names.push((PACKAGE, package.to_owned()));
        }
        Ok(Self(names))
    }

    /// A path or text of the template, with these names.
    pub(crate) fn replace(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new))
    }
}

fn is_name(name: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(is_letter_or_digit);
    begins_with_a_letter(name) && name.len() <= LONGEST && name.split('-').all(is_word)
}

fn is_package(package: &str) -> bool {
    let is_rest = |byte| is_letter_or_digit(byte) || byte == b'_';
    let is_keyword = |name: &str| KEYWORDS.split(' ').any(|keyword| keyword == name);
    package
        .split('.')
        .all(|name| begins_with_a_letter(name) && name.bytes().all(is_rest) && !is_keyword(name))
}

/// True if a path begins with a host, as those outside of Go's own library do, and has no empty element.
fn is_module(path: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_element =
        |element: &str| !element.is_empty() && !element.starts_with('.') && !element.ends_with('.');
    path.split('/').all(|element| is_element(element) && element.bytes().all(is_allowed))
        && path.split('/').next().is_some_and(|host| host.contains('.'))
}

fn begins_with_a_letter(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_lowercase())
}

fn is_letter_or_digit(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text that mentions the project's name and another one, with the names of a project.
    fn replaced(old: &str, package: Option<&str>) -> Result<String, WrongName> {
        let text = format!("{NAME} {old}");
        let names = Names::new("acme-rules", package, |name| text.contains(name))?;
        Ok(names.replace(&text))
    }

    #[test]
    fn a_package_has_the_form_of_its_language() {
        let path = Some("github.com/acme/rules");
        assert_eq!(replaced(MODULE, path), Ok("acme-rules github.com/acme/rules".into()));
        assert_eq!(replaced(MODULE, None), Ok("acme-rules example.com/acme-rules".into()));
        let text = replaced("com.example.decider com/example/decider", Some("com.acme"));
        assert_eq!(text, Ok("acme-rules com.acme com/acme".into()));
        assert_eq!(replaced(PACKAGE, None), Ok("acme-rules com.example.decider".into()));

        for path in ["", "a.b//c", "/a.b", "a.b/", "a.b c", "../a", "fmt", "a~1.com/x"] {
            assert_eq!(replaced(MODULE, Some(path)), Err(WrongName::Module), "{path}");
        }
        for package in ["", "a..b", ".a", "a.", "com.1a", "com.Acme", "com/acme", "a.new", "fun.b"]
        {
            assert_eq!(replaced(PACKAGE, Some(package)), Err(WrongName::Package), "{package}");
        }
        assert_eq!(replaced("", Some("com.acme")), Err(WrongName::NoPackage));
    }

    #[test]
    fn a_name_is_one_in_every_language_and_free() {
        let wrong = |name| Names::new(name, None, |text| "\"tokio\"".contains(text)).err();
        let long = "a".repeat(LONGEST + 1);
        for name in ["", "-a", "a-", "a--b", "1a", "Acme", "acme_rules", "a.b", "a/b", "ä", &long]
        {
            assert_eq!(wrong(name), Some(WrongName::Name), "{name}");
        }
        for name in ["tokio", "deps"] {
            assert_eq!(wrong(name), Some(WrongName::Taken), "{name}");
        }
        assert_eq!(wrong("a1-2b"), None);
        assert_eq!(Names::new(NAME, None, |text| text.contains(NAME)).err(), None);
        assert_eq!(wrong(&long[1..]), None);
    }
}
