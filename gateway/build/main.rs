//! Writes, for the contract in `proto/`, the messages, and `contract.rs`: the table of callbacks, the rpc of each
//! callback, and the code that reads and writes each message as OpenIM's JSON.

mod check;
mod contract;
mod dispatch;
mod messages;

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

use prost_reflect::prost::Message;
use prost_reflect::prost_types::FileDescriptorSet;

use crate::contract::Contract;

fn main() -> Result<(), Box<dyn Error>> {
    // Only this: a change of the contract rebuilds this program too, which embeds it.
    println!("cargo::rerun-if-changed=build");

    let files = FileDescriptorSet::decode(::contract::DESCRIPTOR_SET)?;
    prost_build::Config::new().btree_map(["."]).compile_fds(files)?;

    let contract = Contract::read()?;

    let dispatch = dispatch::write(&contract);
    let messages = messages::write(&contract);
    let code = syn::parse2(quote::quote! { #dispatch #messages })?;
    let out = PathBuf::from(env::var("OUT_DIR")?).join("contract.rs");
    fs::write(out, prettyplease::unparse(&code))?;
    Ok(())
}
