//! Cuts elements out of a text as documents of their own, without a second copy of it: each is a head of its own
//! (declaration, name, the namespaces that it inherits) and the slice of the text from there to its end.
//!
//! Neighbours share their head where it is the same, so that a document costs what its two slices do. All namespaces in
//! force are added, used or not, since text such as `xsi:type="p:t"` uses prefixes too.

use std::sync::Arc;

use auricle_model::Data;
use bytes::Bytes;

use super::cursor::Name;
use super::decode::utf8;
use super::list::{Budget, SplitError};
use super::scan::{Kind, Scanner};
use super::scope::Binding;

/// What each document begins with.
pub(crate) const DECLARATION: &str = "<?xml version='1.0' encoding='UTF-8'?>";

/// Documents of elements of a text, found by the offsets of their `<` (ascending, none inside another). What the budget
/// limits is counted as if nothing were shared.
///
/// The text is read as far as the last of them goes: that it is well-formed beyond is for the caller to know.
pub(crate) fn cut(text: &Bytes, offsets: &[usize], budget: Budget) -> Result<Vec<Data>, SplitError> {
    let mut scanner = Scanner::new(utf8(text)?);
    let mut cutter = Cutter::new(text, budget);
    let mut offsets = offsets.iter().peekable();
    // How deep the element lies that is being cut out.
    let mut depth = None;
    while (depth.is_some() || offsets.peek().is_some())
        && let Some(token) = scanner.next()?
    {
        match token.kind {
            Kind::Start(name) if offsets.next_if_eq(&&token.start).is_some() => {
                cutter.begin(&scanner, name)?;
                depth = Some(scanner.depth());
            }
            Kind::End if depth == Some(scanner.depth() + 1) => {
                cutter.end(token.end)?;
                depth = None;
            }
            _ => {}
        }
    }
    Ok(cutter.finish())
}

/// Documents in the making.
pub(super) struct Cutter<'a> {
    text: &'a Bytes,
    budget: Budget,
    documents: Vec<Data>,
    /// Of all documents.
    bytes: usize,
    /// The last one's, and where in the text what follows it begins.
    head: Arc<[u8]>,
    rest: usize,
    draft: String,
    /// The element around the last one, and the namespaces in force within it.
    around: Option<usize>,
    inherited: Vec<Binding<'a>>,
}

impl<'a> Cutter<'a> {
    pub(super) fn new(text: &'a Bytes, budget: Budget) -> Self {
        Self {
            text,
            budget,
            documents: Vec::new(),
            bytes: 0,
            head: Arc::default(),
            rest: 0,
            draft: String::new(),
            around: None,
            inherited: Vec::new(),
        }
    }

    /// A document begins with the element whose start tag has just been read.
    pub(super) fn begin(&mut self, scanner: &Scanner<'a>, name: Name<'a>) -> Result<(), SplitError> {
        if self.documents.len() >= self.budget.count {
            return Err(SplitError::Count);
        }
        let around = scanner.around();
        if around.is_none() || around != self.around {
            self.around = around;
            self.inherited = scanner.inherited();
        }
        self.draft.clear();
        self.draft.push_str(DECLARATION);
        self.draft.push('<');
        self.draft.push_str(name.whole);
        for binding in self.inherited.iter().filter(|binding| !scanner.declares(binding.prefix)) {
            self.draft.push(' ');
            self.draft.push_str(binding.source);
        }
        if *self.head != *self.draft.as_bytes() {
            self.head = self.draft.as_bytes().into();
        }
        self.rest = name.at + name.whole.len();
        self.spend(self.head.len())
    }

    /// The document ends where its element does.
    pub(super) fn end(&mut self, end: usize) -> Result<(), SplitError> {
        self.documents.push(Data::joined(self.head.clone(), self.text.slice(self.rest..end)));
        self.spend(end - self.rest)
    }

    pub(super) fn finish(self) -> Vec<Data> {
        self.documents
    }

    fn spend(&mut self, bytes: usize) -> Result<(), SplitError> {
        self.bytes += bytes;
        if self.bytes > self.budget.bytes { Err(SplitError::Bytes) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::list::content;
    use super::*;

    const BUDGET: Budget = Budget { count: 100, bytes: 10_000 };

    /// What is cut out of a text where each of these stands in it.
    fn documents(text: &str, elements: &[&str]) -> Vec<String> {
        let offsets: Vec<_> = elements.iter().map(|element| text.find(element).unwrap()).collect();
        let cut = cut(&Bytes::from(text.to_owned()), &offsets, BUDGET).unwrap();
        cut.iter().map(|document| document.text().unwrap().into_owned()).collect()
    }

    #[test]
    fn an_element_takes_the_namespaces_with_it_that_are_in_force_there() {
        let text = "<S:E xmlns:S='s' xmlns='d' xmlns:p='1'><S:B xmlns:p='2'><w:o xmlns:w='w' xmlns=''>\
                    <m p:a='t' xmlns:q='q'><x>1</x></m></w:o></S:B></S:E>";
        let document =
            format!("{DECLARATION}<m xmlns:S='s' xmlns:p='2' xmlns:w='w' xmlns='' p:a='t' xmlns:q='q'><x>1</x></m>");
        assert_eq!(documents(text, &["<m"]), [document.as_str()]);
        content(&document).unwrap();
        let document = format!("{DECLARATION}<S:B xmlns:S='s' xmlns='d' xmlns:p='2'>");
        assert!(documents(text, &["<S:B"])[0].starts_with(&document));
        assert_eq!(documents(text, &["<S:E"]), [format!("{DECLARATION}{text}")]);
        assert_eq!(documents(text, &[]), Vec::<String>::new());
    }

    #[test]
    fn several_are_cut_at_any_depth() {
        let text = "<a xmlns='u'><b><b1/></b><c xmlns:p='v'><d/><e>t</e ></c><f/></a>";
        let expected = [
            "<b xmlns='u'><b1/></b>",
            "<d xmlns='u' xmlns:p='v'/>",
            "<e xmlns='u' xmlns:p='v'>t</e >",
            "<f xmlns='u'/>",
        ];
        assert_eq!(
            documents(text, &["<b>", "<d", "<e", "<f"]),
            expected.map(|document| format!("{DECLARATION}{document}"))
        );
    }

    #[test]
    fn nothing_is_copied_but_one_head() {
        let text = Bytes::from(format!("<a xmlns='u'>{}<other/></a>", "<b>some text</b>".repeat(3)));
        let offsets = [13, 29, 45, 61];
        let cut = cut(&text, &offsets, BUDGET).unwrap();
        let at = |piece: &[u8]| piece.as_ptr() as usize;
        for (document, offset) in cut.iter().zip(offsets) {
            let [head, rest] = document.pieces();
            assert_eq!(at(head) == at(cut[0].pieces()[0]), offset < 61);
            let name = if offset < 61 { 2 } else { 6 };
            assert_eq!(at(rest), at(&text) + offset + name);
        }
    }

    #[test]
    fn what_is_cut_is_limited() {
        let text = Bytes::from("<a><b/><c/></a>");
        let taken = |count, bytes| cut(&text, &[3, 7], Budget { count, bytes });
        let bytes = 2 * (DECLARATION.len() + "<b/>".len());
        assert!(taken(2, bytes).is_ok());
        assert!(matches!(taken(1, bytes), Err(SplitError::Count)));
        assert!(matches!(taken(2, bytes - 1), Err(SplitError::Bytes)));
        assert!(matches!(cut(&Bytes::from_static(b"<a>\xFF</a>"), &[0], BUDGET), Err(SplitError::Parse(_))));
        assert!(matches!(cut(&Bytes::from_static(b"<a><b></a>"), &[3], BUDGET), Err(SplitError::Parse(_))));
    }
}
