//! What is different between an execution and its replay, as a small patch for people.

use std::fmt::Write as _;

use auricle::admin::{Difference, Replayed};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::table::{lines, one_line};

/// Equal lines that are shown around a difference.
const AROUND: usize = 2;
/// Lines of one difference that are shown.
const SHOWN: usize = 60;

/// A replay in a line, and what is different below it.
pub(super) fn replayed(replayed: &Replayed) -> String {
    let Replayed { id, version, same, differences, skipped, .. } = replayed;
    if let Some(why) = skipped {
        return format!("skipped    {id}: {}", one_line(why));
    }
    if *same {
        return format!("same       {id} in version {version}");
    }
    let mut text = format!("different  {id} in version {version}");
    for difference in differences {
        text.push_str(&patch(difference));
    }
    text
}

fn patch(difference: &Difference) -> String {
    // The last line ends as the others do: else it differs from the same line with one after it.
    let ended = |text: String| if text.is_empty() || text.ends_with('\n') { text } else { text + "\n" };
    let (before, after) = (ended(shown(&difference.before)), ended(shown(&difference.after)));
    let mut text = format!("\n  {}:", one_line(&difference.what));
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    if old == new {
        text.push_str(" the same but for line ends");
        return text;
    }
    let diff = TextDiff::from_slices(&old, &new);
    let mut left = SHOWN;
    for (index, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if index > 0 {
            text.push_str("\n    ...");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            if left == 0 {
                text.push_str("\n    ... (--json has all of it)");
                return text;
            }
            left -= 1;
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            // Writing to a text does not fail.
            let _ = write!(text, "\n    {sign} {}", lines(change.value()));
        }
    }
    text
}

/// A value so that lines can be compared: JSON over several lines, also where it is inside of a text; texts as they are, of
/// a list one a line.
fn shown(value: &Value) -> String {
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    match value {
        Value::Null => String::new(),
        Value::Array(lines) if lines.iter().all(Value::is_string) => {
            lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
        }
        Value::String(text) => match serde_json::from_str(text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => pretty(&inner),
            _ => text.clone(),
        },
        other => pretty(other),
    }
}

#[cfg(test)]
mod tests {
    use auricle_model::ExecutionId;
    use serde_json::json;

    use super::*;

    fn told(what: &str, before: Value, after: Value) -> String {
        let differences = vec![Difference { what: what.into(), before, after }];
        let id = ExecutionId::parse("01938a5c-7d1e-7c3a-9f00-0123456789ab").unwrap();
        replayed(&Replayed { id, version: 8, same: false, differences, skipped: None, record: None })
    }

    #[test]
    fn a_difference_is_shown_as_a_patch() {
        let head = "different  01938a5c-7d1e-7c3a-9f00-0123456789ab in version 8\n";
        assert_eq!(told("status", json!(200), json!(500)), format!("{head}  status:\n    - 200\n    + 500"));
        assert_eq!(
            told("log", json!(["info a", "info b"]), json!(["info a"])),
            format!("{head}  log:\n      info a\n    - info b")
        );
        assert_eq!(told("log", json!("a"), json!("a\n")), format!("{head}  log: the same but for line ends"));
        let before = r#"{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}"#;
        let after = r#"{"a":1,"b":2,"c":3,"d":4,"e":5,"f":7}"#;
        let patch = "  document[0]:
        \"d\": 4,
        \"e\": 5,
    -   \"f\": 6
    +   \"f\": 7
      }";
        assert_eq!(told("document[0]", json!(before), json!(after)), format!("{head}{patch}"));
    }

    #[test]
    fn a_long_difference_is_cut() {
        let many: String = (0..100).map(|n| format!("{n}\n")).collect();
        let told = told("log", Value::Null, json!(many));
        assert!(told.ends_with("    + 59\n    ... (--json has all of it)"), "{told}");
    }
}
