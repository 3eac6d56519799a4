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

/// The callbacks in JSON lines; blank ones are skipped.
///
/// # Errors
/// Every line that is none, with its number.
pub fn read(text: &[u8]) -> Result<Vec<Scene>, Vec<(usize, String)>> {
    let (mut scenes, mut mistakes) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        match str::from_utf8(line).map_err(|e| e.to_string()) {
            Ok(line) if line.trim().is_empty() => {}
            line => match line.and_then(scene) {
                Ok(scene) => scenes.push(Scene { name: Some(format!("line {number}")), ..scene }),
                Err(why) => mistakes.push((number, why)),
            },
        }
    }
    if mistakes.is_empty() { Ok(scenes) } else { Err(mistakes) }
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
        let black = r#"{"callbackCommand":"callbackBeforeAddBlackCommand","ownerUserID":"u1"}"#;
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
        let numbers: Vec<_> = mistakes.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7], "{mistakes:?}");
        assert!(mistakes[6].1.contains("is not callbackNew"), "{mistakes:?}");
    }
}
