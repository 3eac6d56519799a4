//! The environment variables of a program, by the beginning of their names.

use std::ffi::OsString;

use crate::Mistake;
use crate::suggest::nearest;

/// The variables with a program's prefix that it does not read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Unknown {
    /// Those with nearly the name of a known one: most probably a setting that would be lost.
    pub misspelt: Vec<Mistake>,
    /// The others.
    pub unused: Vec<String>,
}

/// Finds unknown variables among some, such as `std::env::vars_os`. `known` are whole names, prefix included.
///
/// For a Service that is named as the program is, Kubernetes sets `{prefix}PORT`, `{prefix}SERVICE_HOST`,
/// `{prefix}PORT_50051_TCP` and others like them in each container. These are skipped.
pub fn unknown<'k>(
    prefix: &str,
    known: impl IntoIterator<Item = &'k str>,
    variables: impl IntoIterator<Item = OsString>,
) -> Unknown {
    // Compared without the prefix, whose length would make all names similar.
    let known: Vec<_> = known.into_iter().filter_map(|name| name.strip_prefix(prefix)).collect();
    let mut unknown = Unknown::default();
    for variable in variables {
        let variable = variable.to_string_lossy();
        let Some(name) = variable.strip_prefix(prefix) else { continue };
        if known.contains(&name) || is_of_kubernetes(name) {
            continue;
        }
        match nearest(name, known.iter().copied()) {
            Some(near) => {
                let problem = format!("no such setting; did you mean `{prefix}{near}`?");
                unknown.misspelt.push(Mistake::new(&variable, problem));
            }
            None => unknown.unused.push(variable.into_owned()),
        }
    }
    unknown
}

fn is_of_kubernetes(name: &str) -> bool {
    name == "PORT"
        || ["PORT_", "SERVICE_HOST", "SERVICE_PORT"].iter().any(|of| name.starts_with(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown_of(names: &[&str]) -> Unknown {
        let known = ["SERVER_LISTEN", "SERVER_LOG", "SERVER_POLICY"];
        unknown("SERVER_", known, names.iter().map(OsString::from))
    }

    #[test]
    fn a_name_near_a_known_one_is_a_mistake_and_a_distant_one_is_not() {
        let Unknown { misspelt, unused } =
            unknown_of(&["SERVER_LISTE", "SERVER_IMAGE", "LISTEN", "SERVER_LOG"]);
        let misspelt: Vec<_> = misspelt.iter().map(ToString::to_string).collect();
        assert_eq!(misspelt, ["SERVER_LISTE: no such setting; did you mean `SERVER_LISTEN`?"]);
        assert_eq!(unused, ["SERVER_IMAGE"]);
    }

    #[test]
    fn what_kubernetes_sets_for_a_service_of_the_same_name_is_passed_over() {
        let names = [
            "SERVER_PORT",
            "SERVER_SERVICE_HOST",
            "SERVER_SERVICE_PORT",
            "SERVER_SERVICE_PORT_GRPC",
            "SERVER_PORT_50051_TCP",
            "SERVER_PORT_50051_TCP_ADDR",
        ];
        assert_eq!(unknown_of(&names), Unknown::default());
    }
}
