//! Random content models against the regular expressions that mean the same.

use std::rc::Rc;

use proptest::prelude::*;
use regex::Regex;

use super::super::component::{Element, TypeId};
use super::super::names::{Name, Names, Space};
use super::*;

const LETTERS: [&str; 3] = ["a", "b", "c"];

/// Each letter an element.
fn elements() -> (Vec<Element>, Vec<Name>) {
    let mut names = Names::new();
    let names: Vec<Name> = LETTERS.iter().map(|letter| names.name(Space::NONE, letter)).collect();
    let element = |name: &Name| Element {
        name: *name,
        ty: TypeId::ANY,
        is_nillable: false,
        is_abstract: false,
        constraint: None,
    };
    (names.iter().map(element).collect(), names)
}

/// A particle and the regular expression for it.
#[derive(Debug, Clone)]
enum Shape {
    Letter(usize),
    Group(bool, Vec<(Shape, u32, Option<u32>)>),
}

impl Shape {
    fn term(&self) -> Rc<Term> {
        Rc::new(match self {
            Self::Letter(letter) => Term::Element(ElementId(*letter)),
            Self::Group(is_choice, items) => {
                let items = items.iter().map(|(shape, min, max)| Particle { min: *min, max: *max, term: shape.term() });
                let order = if *is_choice { Order::Choice } else { Order::Sequence };
                Term::Group(Group::new(order, items.collect()))
            }
        })
    }

    fn expression(&self) -> String {
        match self {
            Self::Letter(letter) => LETTERS[*letter].into(),
            Self::Group(is_choice, items) => {
                let items = items.iter().map(|(shape, min, max)| {
                    let max = max.map(|max| max.to_string()).unwrap_or_default();
                    format!("(?:{}){{{min},{max}}}", shape.expression())
                });
                items.collect::<Vec<_>>().join(if *is_choice { "|" } else { "" })
            }
        }
    }
}

fn shapes() -> impl Strategy<Value = Shape> {
    let counts = prop_oneof![
        4 => Just((1, Some(1))),
        2 => Just((0, Some(1))),
        1 => Just((0, None)),
        1 => Just((1, None)),
        1 => Just((2, None)),
        2 => (0..3_u32, 1..4_u32).prop_map(|(min, more)| (min, Some(min.max(1) + more - 1))),
    ];
    (0..LETTERS.len()).prop_map(Shape::Letter).prop_recursive(3, 12, 4, move |inner| {
        let item = (inner, counts.clone()).prop_map(|(shape, (min, max))| (shape, min, max));
        (any::<bool>(), prop::collection::vec(item, 1..4)).prop_map(|(is_choice, items)| Shape::Group(is_choice, items))
    })
}

/// All words up to a length.
fn words(length: usize) -> Vec<Vec<usize>> {
    let mut words = vec![Vec::new()];
    let mut begin = 0;
    for _ in 0..length {
        let end = words.len();
        for at in begin..end {
            for letter in 0..LETTERS.len() {
                let mut word = words[at].clone();
                word.push(letter);
                words.push(word);
            }
        }
        begin = end;
    }
    words
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn models_take_the_words_that_regular_expressions_take(shape in shapes(), min in 0..3_u32, more in 0..3_u32) {
        let (elements, names) = elements();
        let max = (more < 2).then_some(min.max(1) + more);
        let particle = Particle { min, max, term: shape.term() };
        let whole = Shape::Group(false, vec![(shape, min, max)]);
        let expression = Regex::new(&format!("^(?:{})$", whole.expression())).unwrap();
        let model = Compiler::new().model(Some(&particle), &elements).unwrap();
        for word in words(6) {
            let mut position = model.start();
            let mut is_open = true;
            for letter in &word {
                let may = model.expected(&position).elements.contains(&ElementId(*letter));
                let name = Some(names[*letter]);
                is_open = model.step(&mut position, name, Some(Space::NONE)) == Some(Declared::Element(ElementId(*letter)));
                prop_assert_eq!(may, is_open, "what is expected is what is taken");
                if !is_open {
                    break;
                }
            }
            let text: String = word.iter().map(|letter| LETTERS[*letter]).collect();
            let is_taken = is_open && model.is_complete(&position);
            prop_assert_eq!(is_taken, expression.is_match(&text), "`{}` of {}", text, expression);
        }
    }
}

#[test]
fn large_counts_cost_nothing() {
    let (elements, names) = elements();
    let letter = |letter, min, max| Particle { min, max, term: Rc::new(Term::Element(ElementId(letter))) };
    let group = Group::new(Order::Sequence, vec![letter(0, 1_000, Some(4_000_000_000)), letter(1, 0, Some(2))]);
    let model = Compiler::new().model(Some(&Particle::once(Rc::new(Term::Group(group)))), &elements).unwrap();
    let mut position = model.start();
    for count in 0..2_000 {
        assert_eq!(model.is_complete(&position), count >= 1_000);
        assert!(model.step(&mut position, Some(names[0]), Some(Space::NONE)).is_some());
    }
    assert!(model.step(&mut position, Some(names[1]), Some(Space::NONE)).is_some());
    assert!(model.step(&mut position, Some(names[0]), Some(Space::NONE)).is_none());
}
