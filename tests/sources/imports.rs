//! The layers of the sources: the imports of each file. Files that import each other in a circle can't be read, moved
//! or tested one by one, and in the gateway data and imports go one way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const CRATES: [&str; 7] = [
    "gateway",
    "decider",
    "crates/contract",
    "crates/transport",
    "crates/policy",
    "crates/process",
    "crates/scaffold",
];

/// The modules of the gateway, from the top. Each may use those below it, and never one above.
const LAYERS: [&str; 15] = [
    "main",
    "commands",
    "cli",
    "worker",
    "gateway",
    "settings",
    "admin",
    "play",
    "http",
    "bridge",
    "events",
    "failure_policy",
    "observe",
    "openim",
    "bound",
];

/// The files of a crate by their module paths, `a::b`, each with the module paths that it imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_files_import_each_other_in_a_circle() {
    let circles = CRATES.iter().filter_map(|name| {
        let imports = imports(name);
        assert!(imports.len() > 1, "{name}: nothing was read");
        Some(format!("{name}: {}", circle(&imports)?.join(" → ")))
    });
    assert_eq!(circles.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn in_the_gateway_no_module_imports_one_above_it() {
    let layer = |path: &str| {
        let module = path.split("::").next().unwrap_or_default();
        let layer = LAYERS.iter().position(|layer| *layer == module);
        layer.unwrap_or_else(|| panic!("{module} is in no layer"))
    };
    let mut imports = imports("gateway");
    // It only lists the modules.
    imports.remove("lib");
    for (file, imported) in imports {
        for path in imported {
            assert!(layer(&file) <= layer(&path), "{file} imports {path}, which is above it");
        }
    }
}

#[test]
fn a_circle_is_found() {
    let imports = |edges: &[(&str, &[&str])]| -> Imports {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        edges.iter().map(|(file, imported)| ((*file).to_owned(), owned(imported))).collect()
    };
    assert_eq!(circle(&imports(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])])), None);
    let found = circle(&imports(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]));
    assert_eq!(found, Some(vec!["b".to_owned(), "c".to_owned(), "b".to_owned()]));
}

#[test]
fn every_way_to_import_is_read() {
    for (code, expected) in [
        ("use super::{x::Y, z};", &["a::x::Y", "a::z"][..]),
        ("pub use self::w::{A, B};", &["a::b::w::A", "a::b::w::B"]),
        ("use super::super::x::{\n    y,\n    z::W,\n};", &["x::y", "x::z::W"]),
        ("use crate::{x, y::{Z, w}};", &["x", "y::Z", "y::w"]),
        ("mod c;\nuse c::D;\nuse std::fmt;", &["a::b::c::D"]),
        ("fn f() { crate::x::y(1) }", &["x::y"]),
        ("fn f(z: super::Z) -> u8 { super::super::w::V::new() }", &["a::Z", "w::V::new"]),
        ("//! use crate::x;\n/// See [`y`](crate::y).\nfn f() {} // crate::z", &[]),
    ] {
        let mut found = paths(code, "a::b");
        found.sort();
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found, expected, "{code}");
    }
}

fn imports(name: &str) -> Imports {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src");
    let files: BTreeMap<String, PathBuf> =
        sources(&root).into_iter().map(|path| (module(&root, &path), path)).collect();
    let file_of = |path: &str| {
        let mut path = path;
        loop {
            match path.rsplit_once("::") {
                _ if files.contains_key(path) => return Some(path.to_owned()),
                Some((parent, _)) => path = parent,
                None => return None,
            }
        }
    };
    let read = |(module, path): (&String, &PathBuf)| {
        let text = fs::read_to_string(path).expect("a source");
        // Tests may use what they test with.
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let imported = paths(code, module).iter().filter_map(|path| file_of(path)).collect();
        (module.clone(), without(imported, module))
    };
    files.iter().map(read).collect()
}

fn without(mut imported: BTreeSet<String>, module: &str) -> BTreeSet<String> {
    imported.remove(module);
    imported
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// `src/a/b.rs` is `a::b`; `src/lib.rs` is `lib`.
fn module(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).expect("below it").with_extension("");
    path.iter().map(|part| part.to_str().expect("UTF-8")).collect::<Vec<_>>().join("::")
}

/// The paths of its own crate that code names, without `crate::`.
fn paths(code: &str, module: &str) -> Vec<String> {
    let code: Vec<_> =
        code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    let children: Vec<_> = code.lines().filter_map(child).collect();
    let mut named = Vec::new();
    for statement in code.split_inclusive(';') {
        match statement.split_once("use ") {
            Some((before, tree)) => {
                named.extend(inline(before));
                let tree: String = tree.trim_end_matches(';').split_whitespace().collect();
                named.extend(expand(&tree));
            }
            None => named.extend(inline(statement)),
        }
    }
    named.iter().filter_map(|path| absolute(path, module, &children)).collect()
}

/// The module that a line declares.
fn child(line: &str) -> Option<&str> {
    let (before, name) = line.strip_suffix(';')?.split_once("mod ")?;
    (before.is_empty() || before.starts_with("pub")).then_some(name)
}

/// The paths in code that begin with `crate` or `super`.
fn inline(code: &str) -> Vec<String> {
    let of_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
    let words = code.split(|c| !of_path(c)).map(|word| word.trim_end_matches(':').to_owned());
    words.filter(|word| word.starts_with("crate::") || word.starts_with("super::")).collect()
}

/// A path from the root of the crate; none if it leads to another one.
fn absolute(path: &str, module: &str, children: &[&str]) -> Option<String> {
    let parent = || module.rsplit_once("::").map_or("", |(parent, _)| parent);
    let join = |module: &str, rest: &str| match module {
        "" | "lib" | "main" => rest.to_owned(),
        module => format!("{module}::{rest}"),
    };
    match path.split_once("::")? {
        ("crate", rest) => Some(rest.to_owned()),
        ("self", rest) => Some(join(module, rest)),
        ("super", rest) if rest.starts_with("super::") => absolute(rest, parent(), &[]),
        ("super", rest) => Some(join(parent(), rest)),
        (first, _) if children.contains(&first) => Some(join(module, path)),
        _ => None,
    }
}

/// `a::{b, c::{d}}` as `a::b` and `a::c::d`.
fn expand(tree: &str) -> Vec<String> {
    let Some((prefix, rest)) = tree.split_once('{') else { return vec![tree.to_owned()] };
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, character) in inner.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[start..]);
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.flat_map(expand).map(|path| format!("{prefix}{path}")).collect()
}

/// The first circle, from a file back to itself.
fn circle(imports: &Imports) -> Option<Vec<String>> {
    fn visit<'i>(
        file: &'i str,
        imports: &'i Imports,
        way: &mut Vec<&'i str>,
        done: &mut BTreeSet<&'i str>,
    ) -> Option<Vec<String>> {
        if let Some(start) = way.iter().position(|on_way| *on_way == file) {
            let circle = way[start..].iter().chain([&file]);
            return Some(circle.map(|&file| file.to_owned()).collect());
        }
        if done.contains(file) {
            return None;
        }
        way.push(file);
        let found =
            imports.get(file)?.iter().find_map(|imported| visit(imported, imports, way, done));
        way.pop();
        done.insert(file);
        found
    }
    let mut done = BTreeSet::new();
    imports.keys().find_map(|file| visit(file, imports, &mut Vec::new(), &mut done))
}
