//! Generates messages, servers and clients from the contract, without protoc.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

const PROTO: &str = "proto";

/// What is served. The files that these import come with them.
const SERVICES: [&str; 2] =
    ["openim/decider/v1/user_service.proto", "openim/decider/v1/message_service.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PROTO}");
    let mut compiler = protox::Compiler::new([PROTO])?;
    compiler.include_imports(true).include_source_info(true).open_files(SERVICES)?;
    tonic_prost_build::configure()
        .generate_default_stubs(true)
        .compile_fds(compiler.file_descriptor_set())?;
    // For reflection. Encoded by the compiler, since its typed descriptors drop custom options.
    let descriptors = PathBuf::from(env::var("OUT_DIR")?).join("descriptors.bin");
    fs::write(descriptors, compiler.encode_file_descriptor_set())?;
    Ok(())
}
