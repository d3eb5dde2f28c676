//! What `auricle new` writes: the files of `templates/`, with what was chosen in the places of `{{...}}`.

/// A file to be written, by its path in the new folder.
pub(crate) struct File {
    /// Relative, with `/`.
    pub(crate) path: &'static str,
    template: &'static str,
}

impl File {
    /// The file with `values` in the places of their names.
    pub(crate) fn render(&self, values: &[(&str, &str)]) -> String {
        render(self.template, values)
    }
}

/// A process in Rust; its source depends on what is done with what.
pub(crate) fn rust(source: Source) -> [File; 5] {
    let source = match source {
        Source::ById => include_str!("../templates/rust/src/by_id.rs"),
        Source::Query => include_str!("../templates/rust/src/query.rs"),
        Source::Document => include_str!("../templates/rust/src/document.rs"),
    };
    [
        File { path: "Cargo.toml", template: include_str!("../templates/rust/Cargo.toml") },
        File { path: "auricle.toml", template: include_str!("../templates/rust/auricle.toml") },
        File { path: "README.md", template: include_str!("../templates/rust/README.md") },
        File { path: ".gitignore", template: include_str!("../templates/rust/.gitignore") },
        File { path: "src/lib.rs", template: source },
    ]
}

/// The shapes of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// One object by its id.
    ById,
    /// Many objects.
    Query,
    /// A document in, a document out.
    Document,
}

/// One pass: what a value holds is not looked at again, and a name that has no value stays as it is.
fn render(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let value = after.split_once("}}").and_then(|(name, after)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((value, after))
        });
        match value {
            Some((value, after)) => {
                text.push_str(value);
                rest = after;
            }
            None => {
                text.push_str("{{");
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_once() {
        let values = [("a", "{{b}}"), ("b", "2"), ("path", "{id}")];
        assert_eq!(render("x {{a}} {{b}}{{c}} {{path}} {{", &values), "x {{b}} 2{{c}} {id} {{");
        assert_eq!(render("{{ {{b}}", &values), "{{ 2");
        assert_eq!(render("", &values), "");
    }
}
