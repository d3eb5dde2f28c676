//! What kind of statement a text is, by its first word. Decides what is refused and which connections may be handed on.
//!
//! A pooled connection is handed from one execution to the next, so nothing of a session may stay behind. The rule errs on
//! the safe side: a connection that ran anything but queries and changes of data is closed instead of handed on. What a
//! query itself can leave behind stays: `SELECT set_config(..., false)`, advisory locks and user variables; processes that share
//! a connection trust each other that far. Costs a look at the first few characters.

/// What the host does with a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// A query or a change of data: leaves no trace in the session.
    Data,
    /// Anything else, such as `SET`, `CREATE`, `LISTEN`: its connection is closed afterwards.
    Session,
    /// A savepoint: fine in a transaction, where it ends with it.
    Savepoint,
    /// Begins or ends a transaction, which is for `begin`, `commit` and `rollback` to do.
    Transaction,
    /// Needs a protocol of its own to go on.
    Copy,
}

/// Words that begin a statement which leaves no trace in its session.
const DATA: &[&str] = &[
    "select", "insert", "update", "delete", "merge", "replace", "with", "values", "table", "show", "describe", "desc",
];

/// Looks at the first word, and at the second where it matters.
pub(super) fn classify(statement: &str) -> Class {
    let (first, rest) = word(statement);
    let first = first.to_ascii_lowercase();
    match first.as_str() {
        "savepoint" | "release" => Class::Savepoint,
        // `ROLLBACK TO name`, `ROLLBACK WORK TO SAVEPOINT name`.
        "rollback" if to_savepoint(rest) => Class::Savepoint,
        "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "xa" => Class::Transaction,
        "prepare" if word(rest).0.eq_ignore_ascii_case("transaction") => Class::Transaction,
        "copy" => Class::Copy,
        "select" | "with" if makes_table(rest) => Class::Session,
        first if DATA.contains(&first) => Class::Data,
        _ => Class::Session,
    }
}

/// Whether MySQL might commit an open transaction before it runs the statement, as it does for all that defines, grants or
/// administers, and for `SET autocommit`. Errs on the safe side: what a procedure does is not known.
pub(super) fn commits_on_mysql(statement: &str) -> bool {
    let (first, rest) = word(statement);
    match first.to_ascii_lowercase().as_str() {
        "set" => words(rest).any(|w| w.eq_ignore_ascii_case("autocommit") || w.eq_ignore_ascii_case("password")),
        "savepoint" | "release" | "rollback" | "explain" | "do" => false,
        first => !DATA.contains(&first),
    }
}

/// Whether a query may be a `SELECT ... INTO`, whose table can be a temporary one: an `INTO` that belongs to no `INSERT`. One
/// within a string counts too, and costs no more than a connection.
fn makes_table(query: &str) -> bool {
    let mut before = "";
    words(query).any(|word| {
        let inserts = ["insert", "replace", "ignore", "merge"].iter().any(|w| before.eq_ignore_ascii_case(w));
        before = word;
        word.eq_ignore_ascii_case("into") && !inserts
    })
}

/// All words, also those of comments and strings.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

fn to_savepoint(rest: &str) -> bool {
    let (second, rest) = word(rest);
    match second.to_ascii_lowercase().as_str() {
        "to" => true,
        "work" | "transaction" => word(rest).0.eq_ignore_ascii_case("to"),
        _ => false,
    }
}

/// The next word, after blanks, comments and opening parentheses, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let mut text = text;
    loop {
        text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '(' || c == '\u{feff}');
        if let Some(line) = text.strip_prefix("--") {
            text = line.split_once('\n').map_or("", |(_, rest)| rest);
        } else if let Some(block) = text.strip_prefix("/*") {
            text = after_block(block);
        } else {
            let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
            return text.split_at(end);
        }
    }
}

/// What follows a block comment. PostgreSQL nests them, the others do not: where that makes a difference the rest is empty
/// and so no known word, which is the safe side.
fn after_block(block: &str) -> &str {
    let Some((comment, rest)) = block.split_once("*/") else { return "" };
    // `/*! ... */` is no comment to MySQL.
    if comment.contains("/*") || comment.starts_with('!') { "" } else { rest }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_word_decides() {
        for (statement, class) in [
            ("SELECT 1", Class::Data),
            ("  (select 1) union (select 2)", Class::Data),
            ("-- a comment\n/* another */ Insert into x values (1)", Class::Data),
            ("WITH a AS (SELECT 1) DELETE FROM b", Class::Data),
            ("WITH a AS (SELECT 1) INSERT INTO b SELECT * FROM a", Class::Data),
            ("SELECT * INTO TEMP t FROM b", Class::Session),
            ("select a into/**/pg_temp.t from b", Class::Session),
            ("WITH a AS (SELECT 1) SELECT * INTO LOCAL TEMPORARY t FROM a", Class::Session),
            ("SELECT into_, \"intox\" FROM b", Class::Data),
            ("EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT 1", Class::Session),
            ("SET search_path = x", Class::Session),
            ("PRAGMA foreign_keys = off", Class::Session),
            ("CREATE TEMP TABLE t (x int)", Class::Session),
            ("BEGIN", Class::Transaction),
            ("begin immediate", Class::Transaction),
            ("start transaction", Class::Transaction),
            ("ROLLBACK;", Class::Transaction),
            ("ROLLBACK AND CHAIN", Class::Transaction),
            ("rollback to a", Class::Savepoint),
            ("ROLLBACK WORK TO SAVEPOINT a", Class::Savepoint),
            ("SAVEPOINT a", Class::Savepoint),
            ("PREPARE TRANSACTION 'x'", Class::Transaction),
            ("PREPARE x AS SELECT 1", Class::Session),
            ("COPY t FROM STDIN", Class::Copy),
            ("", Class::Session),
            ("/* unclosed SELECT", Class::Session),
            ("/* /* nested */ SELECT 1", Class::Session),
            ("/*! SET @a = 1 */ SELECT 1", Class::Session),
            ("selectx", Class::Session),
        ] {
            assert_eq!(classify(statement), class, "{statement}");
        }
    }

    #[test]
    fn what_ends_a_transaction_of_mysql_is_known() {
        for statement in
            ["CREATE TABLE t (x INT)", "truncate t", "SET @@autocommit = 1", "CALL p()", "/*! DROP TABLE t */"]
        {
            assert!(commits_on_mysql(statement), "{statement}");
        }
        for statement in ["SELECT 1", "INSERT INTO t VALUES (1)", "SET @a = 1", "SAVEPOINT a", "SELECT 1 INTO @a"] {
            assert!(!commits_on_mysql(statement), "{statement}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_class(text in "[-/*! \n(a-zé]{0,30}") {
            let _ = classify(&text);
        }
    }
}
