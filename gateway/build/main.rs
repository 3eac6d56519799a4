//! Reads the contract in `proto/` once, and writes the messages, and `contract.rs`: the table of
//! callbacks, the way from a callback to its rpc, and how each message is read from and written to OpenIM's JSON.

mod check;
mod contract;
mod dispatch;
mod messages;
mod options;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use contract::Contract;

const ROOT: &str = "../proto";
const PACKAGE: &str = "openim.decider.v1";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={ROOT}");
    println!("cargo::rerun-if-changed=build");

    let mut compiler = protox::Compiler::new([ROOT])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(proto_files()?)?;
    let pool = compiler.descriptor_pool();
    let contract = Contract::read(&pool)?;

    prost_build::Config::new().btree_map(["."]).compile_fds(compiler.file_descriptor_set())?;

    let dispatch = dispatch::write(&contract);
    let messages = messages::write(&contract);
    let code = syn::parse2(quote::quote! { #dispatch #messages })?;
    let out = PathBuf::from(env::var("OUT_DIR")?).join("contract.rs");
    fs::write(out, prettyplease::unparse(&code))?;
    Ok(())
}

/// The files of the package, in an order that does not depend on the file system.
fn proto_files() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let folder = Path::new(ROOT).join(PACKAGE.replace('.', "/"));
    let mut files = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>, std::io::Error>>()?;
    files.retain(|file| file.extension().is_some_and(|e| e == "proto"));
    files.sort();
    Ok(files)
}
