//! `new` and `contract` as commands: the files they write.

use std::fs;

use crate::support::{USAGE, directory, gateway, output};

#[test]
fn a_project_holds_the_contract_and_no_name_of_its_template() {
    let dir = directory("project").join("acme-rules");
    let package = ["--package", "github.com/acme/rules"];
    let (code, said) = output(gateway().args(["new", "go"]).arg(&dir).args(package));
    assert_eq!(code, Some(0), "{said}");
    let read = |path: &str| fs::read_to_string(dir.join(path)).expect(path);
    assert!(read("go.mod").starts_with("module github.com/acme/rules\n"));
    assert!(read("README.md").starts_with("# acme-rules\n"));
    assert!(read("verdicts.yaml").contains("cases:"));
    for (path, text) in contract::FILES {
        assert_eq!(read(&format!("proto/{path}")), *text, "{path}");
    }
    let (code, said) = output(gateway().args(["new", "go"]).arg(&dir));
    assert_eq!(code, Some(USAGE), "{said}");
    assert!(said.contains("acme-rules: must be empty, and has "), "{said}");
}

#[test]
fn a_project_with_a_wrong_name_is_not_begun() {
    let dir = directory("wrong-name-");
    fs::create_dir(dir.join(".git")).expect("a place for files");
    for (language, flags, told) in [
        ("ruby-on-rails", &[][..], "possible values: go, "),
        ("python", &["--name", "acme_rules"], "--name acme_rules: must be lower-case words"),
        ("python", &[], "`wrong-name-`, without --name,: must be lower-case words"),
        ("rust", &["--name", "tokio"], "--name tokio: is the name of something"),
        (
            "python",
            &["--name", "a", "--package", "a.b"],
            "--package: has no meaning in this language",
        ),
        ("java", &["--name", "a", "--package", "com/acme"], "--package: must be a package"),
        (
            "go",
            &["--name", "a", "--package", "/acme"],
            "--package: must be the path of a Go module",
        ),
    ] {
        let (code, said) = output(gateway().args(["new", language]).arg(&dir).args(flags));
        assert_eq!(code, Some(USAGE), "{language} {flags:?}: {said}");
        assert!(said.contains(told), "{language} {flags:?}: {said}");
        assert_eq!(fs::read_dir(&dir).expect("a folder").count(), 1, "only .git");
    }
}

#[test]
fn the_contract_is_written_as_files_and_as_descriptors() {
    let dir = directory("contract");
    let file = dir.join("contract.binpb");
    let both = [dir.as_os_str(), "--descriptor-set".as_ref(), file.as_os_str()];
    let (code, said) = output(gateway().args(["contract", "--out"]).args(both));
    assert_eq!(code, Some(0), "{said}");
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        said.starts_with(&format!("openim.decider.v1 of callback-gateway {version}\n")),
        "{said}"
    );
    for (path, text) in contract::FILES {
        assert!(said.contains(&format!("\n{path}\n")), "{said}");
        assert_eq!(fs::read_to_string(dir.join(path)).expect(path), *text, "{path}");
    }
    assert_eq!(fs::read(&file).expect("descriptors"), contract::DESCRIPTOR_SET);

    let to_stdout =
        gateway().args(["contract", "--descriptor-set", "-"]).output().expect("it runs");
    assert_eq!(to_stdout.stdout, contract::DESCRIPTOR_SET);
}

#[test]
fn a_file_that_can_not_be_written_is_named() {
    let file = directory("in-the-way").join("file");
    fs::write(&file, "").expect("a place for files");
    let (code, said) = output(gateway().args(["contract", "--out"]).arg(&file));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("in-the-way/file/"), "{said}");
    let (code, said) = output(gateway().args(["new", "go"]).arg(&file));
    assert_eq!(code, Some(USAGE), "{said}");
    assert!(said.contains("in-the-way/file: Not a directory"), "{said}");
}
