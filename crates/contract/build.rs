//! Compiles the contract into one encoded descriptor set, and lists its files; the crate embeds both.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// The include path of the contract's files, and their folder in it.
const ROOT: &str = "../../proto";
const PACKAGE: &str = "openim/decider/v1";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={ROOT}/{PACKAGE}");
    let mut compiler = protox::Compiler::new([ROOT])?;
    // Comments are included: reflection shows them to whoever asks a running decider.
    let files = proto_files()?;
    compiler.include_imports(true).include_source_info(true).open_files(&files)?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    // Encoded by the compiler: its typed descriptors drop custom options.
    fs::write(out.join("contract.binpb"), compiler.encode_file_descriptor_set())?;
    fs::write(out.join("files.rs"), embedded(&files)?)?;
    Ok(())
}

/// Rust for a slice of each file's path and text.
fn embedded(files: &[PathBuf]) -> Result<String, Box<dyn Error>> {
    let root = fs::canonicalize(ROOT)?;
    let entries =
        files.iter().map(|file| format!("({file:?}, include_str!({:?})),", root.join(file)));
    Ok(format!("&[{}]", entries.collect::<String>()))
}

/// The contract's files in a fixed order, so that equal sources give equal bytes.
fn proto_files() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = fs::read_dir(Path::new(ROOT).join(PACKAGE))?
        .map(|entry| Ok(Path::new(PACKAGE).join(entry?.file_name())))
        .filter(|file| !file.as_ref().is_ok_and(|file| file.extension() != Some("proto".as_ref())))
        .collect::<Result<Vec<_>, std::io::Error>>()?;
    files.sort();
    Ok(files)
}
