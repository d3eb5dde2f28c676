//! Lists of XML documents: from one text to many, and what of a document goes into a list.

use auricle_model::Data;
use bytes::Bytes;

use super::cut::Cutter;
use super::decode::utf8;
use super::scan::{Kind, Scanner};
use crate::parse_error::{ParseError, short};

/// Why a list could not be taken apart.
#[derive(Debug)]
pub(crate) enum SplitError {
    /// It is not well-formed.
    Parse(ParseError),
    /// Its root is this one.
    Root(String),
    /// More documents than allowed.
    Count,
    /// More bytes in all documents than allowed.
    Bytes,
}

impl From<ParseError> for SplitError {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

/// How much may come out of a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// Documents.
    pub(crate) count: usize,
    /// Bytes of all of them together: each repeats the namespaces of the list, so that they can be many more than the
    /// list's own.
    pub(crate) bytes: usize,
}

/// Takes a list apart, whose root has this local name. Each child of the root becomes a document, as
/// [`cut`](super::cut::cut) makes them, kept as it is but for the root's namespaces. What lies between them is dropped.
pub(crate) fn split(text: &Bytes, root: &str, budget: Budget) -> Result<Vec<Data>, SplitError> {
    let mut scanner = Scanner::new(utf8(text)?);
    let mut cutter = Cutter::new(text, budget);
    while let Some(token) = scanner.next()? {
        match (token.kind, scanner.depth()) {
            (Kind::Start(name), 1) if name.local != root => return Err(SplitError::Root(short(name.whole.into()))),
            (Kind::Start(name), 2) => cutter.begin(&scanner, name)?,
            (Kind::End, 1) => cutter.end(token.end)?,
            (Kind::Text { blank: false }, 1) => {
                let written = scanner.written(&token);
                let at = token.start + written.len() - written.trim_ascii_start().len();
                let message = format!("text can't stand between the elements of `{root}`");
                return Err(scanner.error_at(at, message).into());
            }
            _ => {}
        }
    }
    Ok(cutter.finish())
}

/// What of a well-formed document can stand inside another one: all but its XML declaration and the white space around.
pub(crate) fn content(text: &str) -> Result<&str, ParseError> {
    let mut scanner = Scanner::new(text);
    let mut start = 0;
    while let Some(token) = scanner.next()? {
        if matches!(token.kind, Kind::Declaration) {
            start = token.end;
        }
    }
    Ok(text.get(start..).unwrap_or_default().trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::super::cut::DECLARATION;
    use super::*;

    const BUDGET: Budget = Budget { count: 100, bytes: 10_000 };

    fn split(list: &str, budget: Budget) -> Result<Vec<Data>, SplitError> {
        super::split(&Bytes::from(list.to_owned()), "L", budget)
    }

    fn texts(documents: &[Data]) -> Vec<String> {
        documents.iter().map(|document| document.text().unwrap().into_owned()).collect()
    }

    fn documents(list: &str) -> Vec<String> {
        texts(&split(list, BUDGET).unwrap())
    }

    fn error(list: &str) -> String {
        match split(list, BUDGET) {
            Err(SplitError::Parse(e)) => e.to_string(),
            other => panic!("{list}: {other:?}"),
        }
    }

    #[test]
    fn children_keep_their_text_and_what_lies_between_is_dropped() {
        let first = "<a x='1>2' y = \"&lt;\"><!-- c --><![CDATA[ <b> ]]>&#10;<b/><?p q?>\r\n</a >";
        let list = format!("<?xml version='1.0'?>\n<!-- c --><L z='1'> {first}<!-- d --><?p?>\n<b/></L>\n<!-- e -->");
        assert_eq!(documents(&list), [format!("{DECLARATION}{first}"), format!("{DECLARATION}<b/>")]);
        assert_eq!(documents("<L/>"), Vec::<String>::new());
        assert_eq!(documents("<L> </L>"), Vec::<String>::new());
    }

    #[test]
    fn namespaces_of_the_list_are_kept_and_redeclared_ones_win() {
        let list = "<w:L xmlns:w = 'urn:w' xmlns=\"urn:d\" xmlns:p='a&amp;b'><c/><p:c xmlns=''/><w:c xmlns:w='urn:v' w:a=''>t</w:c></w:L>";
        assert_eq!(
            documents(list),
            [
                format!("{DECLARATION}<c xmlns:w = 'urn:w' xmlns=\"urn:d\" xmlns:p='a&amp;b'/>"),
                format!("{DECLARATION}<p:c xmlns:w = 'urn:w' xmlns:p='a&amp;b' xmlns=''/>"),
                format!("{DECLARATION}<w:c xmlns=\"urn:d\" xmlns:p='a&amp;b' xmlns:w='urn:v' w:a=''>t</w:c>"),
            ]
        );
        for document in documents(list) {
            content(&document).unwrap();
        }
    }

    #[test]
    fn what_is_not_well_formed_is_refused_where_it_is() {
        for (list, expected) in [
            ("", "line 1, column 1: the text ends, and no element"),
            ("  \n", "line 2, column 1: the text ends"),
            ("x<L/>", "line 1, column 1: text can't stand outside"),
            (" <L/> \n x", "line 2, column 2: text can't stand outside"),
            ("<L/><L/>", "line 1, column 5: `L` follows the root"),
            ("<L>\n <a>\n</L>", "line 3, column 1: `</L>` comes where `a` of line 2"),
            ("<L>\n<a/>\n", "line 3, column 1: the text ends, and `L` of line 1"),
            ("<L><a", "line 1, column 4: the tag of `a` never ends"),
            ("<L><", "line 1, column 5: the name of an element was expected, and the end"),
            ("<L>a</L>", "line 1, column 4: text can't stand between"),
            ("<L>\n\u{A0}</L>", "line 2, column 1: text can't stand between"),
            ("<L><![CDATA[]]></L>", "line 1, column 4: text can't stand between"),
            ("</L>", "line 1, column 1: `</L>` ends nothing"),
            ("<L></L a='b'>", "line 1, column 8: `>` has to end `</L`"),
            ("<L><1/></L>", "line 1, column 5: `1` is not the name of an element"),
            ("<L><\n/></L>", "line 1, column 5: the name of an element was expected, and `\\n`"),
            ("<L><a:b:c/></L>", "line 1, column 5: `a:b:c` is not the name"),
            ("<L><:a/></L>", "line 1, column 5: `:a` is not the name"),
            ("<L><a b/></L>", "line 1, column 8: `b` needs a value"),
            ("<L><a b=c/></L>", "line 1, column 9: the value of `b` has to stand in quotes"),
            ("<L><a b='c/></L>", "line 1, column 9: the value of `b` never ends"),
            ("<L><a b='1'c='2'/></L>", "line 1, column 12: white space or `>`"),
            ("<L><a b='<'/></L>", "line 1, column 10: in a value, `<`"),
            ("<L><a b='1' c='' b='2'/></L>", "line 1, column 18: attribute `b` comes twice"),
            ("<L><a xmlns:b='u' xmlns:b='v'/></L>", "line 1, column 19: attribute `xmlns:b` comes twice"),
            (
                "<L><a xmlns:b='u' xmlns:c='&#117;' b:x='' c:x=''/></L>",
                "line 1, column 43: attribute `c:x` comes twice",
            ),
            ("<L><a:b/></L>", "line 1, column 5: prefix `a` is not declared"),
            ("<L><a b:c=''/></L>", "line 1, column 7: prefix `b` is not declared"),
            ("<L><a xmlns:b='u'/><b:c/></L>", "line 1, column 21: prefix `b` is not declared"),
            ("<L><a xmlns:b=''/></L>", "line 1, column 7: prefix `b` needs a namespace"),
            ("<L xmlns:xml='u'/>", "line 1, column 4: prefix `xml` always"),
            ("<L xmlns:xmlns='u'/>", "line 1, column 4: prefix `xmlns` can't"),
            ("<L xmlns='http://www.w3.org/2000/xmlns/'/>", "line 1, column 4: namespace"),
            ("<L><a>&nbsp;</a></L>", "line 1, column 7: entity `&nbsp;` is unknown"),
            ("<L><a> & </a></L>", "line 1, column 8: `&` begins a reference"),
            ("<L><a>]]></a></L>", "line 1, column 7: in text, `]]>`"),
            ("<L><a>\u{1}</a></L>", "line 1, column 7: XML has no place for the character 0x0001"),
            ("<L><!-- a -- b --></L>", "line 1, column 13: `--` can't stand"),
            ("<L><!-- a </L>", "line 1, column 4: the comment never ends"),
            ("<L><![CDATA[ </L>", "line 1, column 4: the CDATA section never ends"),
            ("<L><?p </L>", "line 1, column 4: the processing instruction never ends"),
            ("<L><?p+?></L>", "line 1, column 7: white space has to follow"),
            ("<L><?XML a?></L>", "line 1, column 4: an XML declaration can only stand"),
            (" <?xml version='1.0'?><L/>", "line 1, column 2: an XML declaration can only stand"),
            ("<?xml encoding='UTF-8'?><L/>", "line 1, column 1: the XML declaration begins with a version"),
            ("<?xml version='2.0'?><L/>", "line 1, column 1: the XML declaration begins with a version"),
            ("<?xml version='1.0' encoding='x'?><L/>", "line 1, column 31: encoding `x` is not read"),
            ("<?xml version='1.0' standalone='1'?><L/>", "line 1, column 1: `standalone`"),
            ("<?xml version='1.0' x='1'?><L/>", "line 1, column 21: the XML declaration takes"),
            ("<!DOCTYPE L [<!ENTITY a 'b'>]><L/>", "line 1, column 1: a DOCTYPE is not taken"),
            ("<L><!ELEMENT a></L>", "line 1, column 4: `<!` begins a comment"),
        ] {
            let error = error(list);
            assert!(error.starts_with(expected), "{list}\n  gives    {error}\n  expected {expected}");
        }
    }

    #[test]
    fn a_declaration_may_leave_out_the_encoding() {
        assert_eq!(content("<?xml version=\"1.0\" standalone='yes' ?>\n <a/> ").unwrap(), "<a/>");
        assert_eq!(content("<?xml version='1.1' encoding='utf-8'?><!-- c --><a/>").unwrap(), "<!-- c --><a/>");
    }

    #[test]
    fn depth_and_attributes_are_limited() {
        let deep = |n: usize| format!("{}{}", "<L>".repeat(n), "</L>".repeat(n));
        assert!(content(&deep(super::super::MAX_DEPTH)).is_ok());
        assert!(content(&deep(super::super::MAX_DEPTH + 1)).unwrap_err().message.contains("inside each other"));
        let wide = |n: usize| format!("<L{}/>", (0..n).map(|i| format!(" a{i}='' xmlns:p{i}='u'")).collect::<String>());
        assert!(content(&wide(super::super::MAX_ATTRIBUTES / 2)).is_ok());
        assert!(
            content(&wide(super::super::MAX_ATTRIBUTES / 2 + 1)).unwrap_err().message.contains("attributes of `L`")
        );
    }

    #[test]
    fn namespaces_are_limited_in_length() {
        let with = |declaration: &str, n: usize| format!("<L><a {declaration}='{}&#117;'/></L>", "u".repeat(n - 1));
        for declaration in ["xmlns", "xmlns:p"] {
            assert!(content(&with(declaration, super::super::MAX_NAMESPACE_BYTES)).is_ok());
            let error = content(&with(declaration, super::super::MAX_NAMESPACE_BYTES + 1)).unwrap_err().to_string();
            assert_eq!(error, "line 1, column 7: a namespace is longer than 2048 bytes");
        }
    }

    #[test]
    fn what_comes_out_is_limited() {
        let list = |n: usize| format!("<L xmlns:p='{}'>{}</L>", "u".repeat(1_000), "<a/>".repeat(n));
        assert_eq!(split(&list(9), BUDGET).unwrap().len(), 9);
        assert!(matches!(split(&list(10), BUDGET), Err(SplitError::Bytes)));
        let list = format!("<L>{}</L>", "<a/>".repeat(101));
        assert!(matches!(split(&list, BUDGET), Err(SplitError::Count)));
        assert!(matches!(split("<M/>", BUDGET), Err(SplitError::Root(name)) if name == "M"));
    }
}
