//! An open element of a message: what it is declared as, and what has come in it.

use std::borrow::Cow;

use crate::xsd::ElementId;
use crate::xsd::component::TypeId;
use crate::xsd::content::{Model, Position};
use crate::xsd::simple::SimpleType;

/// An open element.
#[derive(Debug)]
pub(super) struct Frame<'s, 'a> {
    pub(super) local: &'a str,
    /// Offset of its `<`.
    pub(super) at: usize,
    /// None where a wildcard stands for it.
    pub(super) element: Option<ElementId>,
    /// The type it follows: its own or that of its `xsi:type`.
    pub(super) ty: TypeId,
    pub(super) inside: Inside<'s, 'a>,
}

/// What may stand between its tags.
#[derive(Debug)]
pub(super) enum Inside<'s, 'a> {
    /// It is not looked at.
    Anything,
    Nothing {
        is_nil: bool,
    },
    Text {
        ty: &'s SimpleType,
        text: Text<'a>,
    },
    Children {
        model: &'s Model,
        position: Position,
        is_mixed: bool,
        /// Collected where the element has a `fixed` value, which leaves no room for children.
        text: Option<Text<'a>>,
    },
}

/// Text of an element.
#[derive(Debug)]
pub(super) enum Text<'a> {
    Empty,
    Some {
        text: Cow<'a, str>,
        /// Where it begins.
        at: usize,
    },
    /// It has been looked at.
    Done,
}

impl<'a> Text<'a> {
    /// Adds what follows.
    pub(super) fn add(&mut self, more: Cow<'a, str>, begins: usize) {
        match self {
            Self::Some { text, .. } => text.to_mut().push_str(&more),
            _ if more.is_empty() => {}
            _ => *self = Self::Some { text: more, at: begins },
        }
    }

    /// Where it begins.
    pub(super) const fn at(&self) -> Option<usize> {
        match self {
            Self::Some { at, .. } => Some(*at),
            _ => None,
        }
    }
}
