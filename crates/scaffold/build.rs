//! Lists the files of each example for the crate to embed.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use ignore::WalkBuilder;

/// The folder with an example for each language, named after it.
const EXAMPLES: &str = "../../examples";

fn main() -> Result<(), Box<dyn Error>> {
    let mut templates = String::new();
    for example in folders()? {
        let language = example.file_name().ok_or("a folder has a name")?;
        write!(templates, "Template {{ language: {language:?}, files: &[")?;
        for file in sources(&example)? {
            // Only files, since cargo would read a folder with all that was generated in it: a new file alone does not
            // rebuild.
            println!("cargo::rerun-if-changed={}", file.display());
            let path = file.strip_prefix(&example)?;
            write!(templates, "({path:?}, include_str!({file:?})),")?;
        }
        templates.push_str("] },");
    }
    let out = PathBuf::from(env::var("OUT_DIR")?).join("templates.rs");
    fs::write(out, format!("&[{templates}]"))?;
    Ok(())
}

fn folders() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let entries = fs::canonicalize(EXAMPLES)?.read_dir()?;
    let paths =
        entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, std::io::Error>>()?;
    let mut folders: Vec<_> = paths.into_iter().filter(|path| path.is_dir()).collect();
    folders.sort();
    Ok(folders)
}

/// The regular files of a folder but those that its .gitignore excludes, in a fixed order. `proto`, a link, is none.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, ignore::Error> {
    // Nothing but the folder's own .gitignore counts: a developer's other settings must change no template.
    let mut walk = WalkBuilder::new(folder);
    let walk = walk.standard_filters(false).git_ignore(true).require_git(false).build();
    let entries = walk.collect::<Result<Vec<_>, _>>()?;
    let is_file = |entry: &ignore::DirEntry| entry.file_type().is_some_and(|kind| kind.is_file());
    let mut files: Vec<_> =
        entries.into_iter().filter(is_file).map(ignore::DirEntry::into_path).collect();
    files.sort();
    Ok(files)
}
