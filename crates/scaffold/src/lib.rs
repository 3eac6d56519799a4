//! Projects to start a decider from: the examples of this repository, embedded, with names of one's own.
//!
//! Each folder of `examples/` is a template. It is a whole project, so all that has to change in it are its names.

mod names;

pub use names::WrongName;

use names::Names;

/// The example decider in one language.
#[derive(Debug)]
pub struct Template {
    /// The language, in lower case.
    pub language: &'static str,
    /// The path and the text of each file.
    files: &'static [(&'static str, &'static str)],
}

/// The path and the text of a file.
pub type File = (String, String);

/// A template for each language, in their order.
pub const TEMPLATES: &[Template] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// The files that are alike in every language.
const COMMON: &[(&str, &str)] = &[
    ("README.md", include_str!("project.md")),
    ("verdicts.yaml", include_str!("../../../examples/verdicts.yaml")),
];

impl Template {
    /// The path and the text of each file of a project with this name; the contract is in `proto/`. An unset `package`
    /// follows from the name.
    ///
    /// # Errors
    /// A name is not one of the language's, or not free.
    pub fn project(&self, name: &str, package: Option<&str>) -> Result<Vec<File>, WrongName> {
        let mentions = |text: &str| self.files.iter().any(|(_, file)| file.contains(text));
        let names = Names::new(name, package, mentions)?;
        let own = self.files.iter().chain(COMMON);
        let own = own.map(|(path, text)| (names.replace(path), names.replace(text)));
        let contract = contract::FILES.iter();
        let contract = contract.map(|(path, text)| (format!("proto/{path}"), (*text).to_owned()));
        Ok(own.chain(contract).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_template_has_the_files_that_git_keeps() {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        for template in TEMPLATES {
            let mut git = Command::new("git");
            let listed = git.arg("ls-files").current_dir(examples.join(template.language)).output();
            let listed = String::from_utf8(listed.expect("git runs").stdout).expect("text");
            let kept: Vec<_> = listed.lines().filter(|path| *path != "proto").collect();
            let files: Vec<_> = template.files.iter().map(|(path, _)| *path).collect();
            assert_eq!(files, kept, "{}", template.language);
        }
        assert_eq!(TEMPLATES.len(), 7);
    }

    #[test]
    fn no_name_of_a_template_is_left_in_a_project() {
        let old = [
            "example-decider",
            "example.com/decider",
            "com.example.decider",
            "com/example/decider",
        ];
        for template in TEMPLATES {
            let has_package = ["java", "kotlin"].contains(&template.language);
            let project = template.project("acme-rules", has_package.then_some("com.acme.rules"));
            for (path, text) in project.expect("valid names") {
                for old in old {
                    assert!(!path.contains(old) && !text.contains(old), "{path} has {old}");
                }
            }
        }
    }
}
