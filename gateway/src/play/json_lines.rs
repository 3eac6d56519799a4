//! Bodies of OpenIM's as an HTTP logger writes them, one a line.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::scene::Scene;

/// A line; other members are ignored.
#[derive(Deserialize)]
struct Line<'a> {
    /// Empty means missing: loggers write so the variable that is unset.
    command: Option<String>,
    /// An object, or text that holds one.
    #[serde(borrow)]
    body: &'a RawValue,
}

/// The mistakes that are reported one by one.
const REPORTED: usize = 20;

/// The lines that are none.
#[derive(Debug, Default)]
pub struct Mistakes {
    /// The first of them, each with its number.
    pub first: Vec<(usize, String)>,
    /// The number of all.
    pub count: usize,
}

/// The callbacks in JSON lines; blank ones are skipped.
///
/// # Errors
/// The lines that are none.
pub fn read(text: &[u8]) -> Result<Vec<Scene>, Mistakes> {
    let (mut scenes, mut mistakes) = (Vec::new(), Mistakes::default());
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        match str::from_utf8(line).map_err(|e| e.to_string()) {
            Ok(line) if line.trim().is_empty() => {}
            line => match line.and_then(scene) {
                Ok(scene) => scenes.push(Scene { name: Some(format!("line {number}")), ..scene }),
                Err(why) => {
                    mistakes.count += 1;
                    if mistakes.count <= REPORTED {
                        mistakes.first.push((number, why));
                    }
                }
            },
        }
    }
    if mistakes.count == 0 { Ok(scenes) } else { Err(mistakes) }
}

fn scene(line: &str) -> Result<Scene, String> {
    let Line { command, body } = serde_json::from_str(line).map_err(|e| e.to_string())?;
    let command = command.filter(|command| !command.is_empty());
    let text = serde_json::from_str::<String>(body.get());
    Scene::of_body(text.as_deref().unwrap_or(body.get()), command.as_deref())
        .map_err(|why| format!("body: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_an_object_or_text_that_holds_one() {
        let lines = r#"{"command": "callbackBeforeAddBlackCommand", "body": { "ownerUserID": "u1" }}

{"time": 7, "command": "", "body": "{\"callbackCommand\":\"callbackNew\", \"n\": 123456789012345678901}"}
{"command": "callbackNew", "body": {}}"#;
        let scenes = read(lines.as_bytes()).expect("lines");
        let scene = |n: usize| (scenes[n].label(), scenes[n].text.as_str());
        let black = r#"{ "ownerUserID": "u1" ,"callbackCommand":"callbackBeforeAddBlackCommand"}"#;
        assert_eq!(scene(0), ("beforeAddBlack: line 1".to_owned(), black));
        let new = r#"{"callbackCommand":"callbackNew", "n": 123456789012345678901}"#;
        assert_eq!(scene(1), ("unknown: line 3".to_owned(), new));
        assert_eq!(
            scene(2),
            ("unknown: line 4".to_owned(), r#"{"callbackCommand":"callbackNew"}"#)
        );
        assert_eq!(scenes.len(), 3);
    }

    #[test]
    fn every_mistake_names_its_line() {
        let lines = b"no json\n{\"body\": 5}\n\xff\n{\"body\": \"\"}\n{\"body\": {}}\n{\"command\": \"callbackNew\"}\n\
            {\"command\": \"callbackNew\", \"body\": {\"callbackCommand\": \"callbackBeforeAddBlackCommand\"}}\n";
        let mistakes = read(lines).expect_err("mistakes");
        let numbers: Vec<_> = mistakes.first.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7], "{mistakes:?}");
        assert!(mistakes.first[6].1.contains("is not callbackNew"), "{mistakes:?}");
    }

    #[test]
    fn of_many_mistakes_the_first_are_reported_and_all_are_counted() {
        let mistakes = read(&b"no json\n".repeat(1000)).expect_err("mistakes");
        assert_eq!((mistakes.first.len(), mistakes.count), (REPORTED, 1000));
    }

    #[test]
    fn an_empty_command_is_none_and_the_rest_of_a_body_stays_as_it_is() {
        for empty in [r#""callbackCommand": "", "#, r#""callbackCommand": null, "#, ""] {
            let line = format!(
                r#"{{"command": "callbackNew", "body": {{ {empty}"n": 123456789012345678901.50 }}}}"#
            );
            let scene = read(line.as_bytes()).expect("a line").remove(0);
            let sent = format!(
                r#"{{ {empty}"n": 123456789012345678901.50 ,"callbackCommand":"callbackNew"}}"#
            );
            assert_eq!(scene.text, sent);
            let body: serde_json::Value = serde_json::from_str(&scene.text).expect("JSON");
            assert_eq!((&body["callbackCommand"], &body), (&"callbackNew".into(), &scene.body));
        }
    }
}
