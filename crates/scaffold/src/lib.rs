//! Projects to start a decider from: the examples of this repository, embedded, with names of one's own.
//!
//! Each folder of `examples/` is a template. It is a whole project, so all that has to change in it are its names.

mod names;

pub use names::WrongName;

use names::{Names, PackageForm};

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
        let names = Names::new(name, package, PackageForm::of(mentions))?;
        let own = self.files.iter().chain(COMMON);
        let own = own.map(|(path, text)| (names.replace(path), names.replace(text)));
        let contract = contract::FILES.iter();
        let contract = contract.map(|(path, text)| (format!("proto/{path}"), (*text).to_owned()));
        Ok(own.chain(contract).collect())
    }
}
