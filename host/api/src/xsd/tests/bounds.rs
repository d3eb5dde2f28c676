//! No schema and no document does harm: what is too much is refused, and nothing panics.

use proptest::prelude::*;

use super::*;

/// What a schema is refused for.
fn refused(body: &str) -> String {
    read(&schema(body)).map(drop).unwrap_err()[0].message.clone()
}

#[test]
fn what_would_be_written_out_to_too_much_is_refused() {
    // Each group twice the one before.
    let groups = |leaf: &str| {
        let first = format!("<xs:group name='g0'><xs:sequence>{leaf}</xs:sequence></xs:group>");
        let more = (1..150).map(|n| format!("<xs:group name='g{n}'><xs:sequence><xs:group ref='g{0}'/><xs:group ref='g{0}'/></xs:sequence></xs:group>", n - 1));
        first + &more.collect::<String>() + "<xs:complexType name='t'><xs:group ref='g149'/></xs:complexType>"
    };
    assert!(refused(&groups("<xs:element name='a'/>")).contains("content model is too large"));
    assert!(refused(&groups("")).contains("content model is too large"), "nothing, very often");
    let counted = "<xs:complexType name='t'><xs:sequence maxOccurs='2501'><xs:element name='a'/><xs:element name='b'/></xs:sequence></xs:complexType>";
    assert!(refused(counted).contains("make `maxOccurs` of the groups smaller, or `unbounded`"));
    let nested = "<xs:sequence maxOccurs='99'>".repeat(9)
        + "<xs:element name='a'/><xs:element name='b'/>"
        + &"</xs:sequence>".repeat(9);
    assert!(
        refused(&format!("<xs:complexType name='t'>{nested}</xs:complexType>")).contains("content model is too large")
    );
    // Counted elements are not written out, nor are choices of them.
    let sound = "<xs:complexType name='t'><xs:choice maxOccurs='999999999'><xs:element name='a'/><xs:element name='b'/></xs:choice></xs:complexType>";
    assert!(read(&schema(sound)).is_ok());
    let attributes: String = (0..150)
        .map(|n| {
            format!(
                "<xs:attributeGroup name='g{n}'><xs:attribute name='a{n}'/>{}</xs:attributeGroup>",
                if n > 0 { format!("<xs:attributeGroup ref='g{}'/>", n - 1) } else { String::new() }
            )
        })
        .collect();
    let types: String = (0..5_000)
        .map(|n| format!("<xs:complexType name='t{n}'><xs:attributeGroup ref='g149'/></xs:complexType>"))
        .collect();
    assert!(refused(&(attributes + &types)).contains("attributes in all"));
}

#[test]
fn what_is_too_deep_is_refused() {
    let chain =
        |first: &str, next: &dyn Fn(usize) -> String| first.to_owned() + &(1..5_000).map(next).collect::<String>();
    // Forwards and backwards: once the first is read first, once the last.
    let extended = |n: usize| {
        format!(
            "<xs:complexType name='t{n}'><xs:complexContent><xs:extension base='t{}'><xs:sequence><xs:element name='e'/></xs:sequence></xs:extension></xs:complexContent></xs:complexType>",
            n - 1
        )
    };
    let types = chain("<xs:complexType name='t0'/>", &extended);
    assert!(refused(&types).contains("derived from each other"));
    let reversed: String = (1..5_000).rev().map(extended).collect::<String>() + "<xs:complexType name='t0'/>";
    assert!(refused(&reversed).contains("derived from each other"));
    let simple = |n: usize| format!("<xs:simpleType name='t{n}'><xs:restriction base='t{}'/></xs:simpleType>", n - 1);
    assert!(
        !refused(&chain("<xs:simpleType name='t0'><xs:restriction base='xs:int'/></xs:simpleType>", &simple))
            .is_empty()
    );
    let group =
        |n: usize| format!("<xs:group name='g{n}'><xs:sequence><xs:group ref='g{}'/></xs:sequence></xs:group>", n - 1);
    assert!(refused(&chain("<xs:group name='g0'><xs:sequence/></xs:group>", &group)).contains("inside each other"));
    let attributes =
        |n: usize| format!("<xs:attributeGroup name='g{n}'><xs:attributeGroup ref='g{}'/></xs:attributeGroup>", n + 1);
    assert!(refused(&chain("", &attributes)).contains("inside each other"));
    let deep = "<xs:sequence>".repeat(240) + &"</xs:sequence>".repeat(240);
    assert!(refused(&format!("<xs:complexType name='t'>{deep}</xs:complexType>")).contains("inside each other"));
    assert!(refused(&"<xs:element name='a'/>".repeat(100_001)).contains("more than 100000 elements"));
}

#[test]
fn an_ambiguous_model_takes_its_time_and_no_more() {
    // What follows which is open at every child: all ways are gone at once.
    let body = "<xs:element name='r'><xs:complexType><xs:sequence maxOccurs='unbounded'>
        <xs:sequence minOccurs='0' maxOccurs='200'><xs:element name='a' minOccurs='0' maxOccurs='100'/><xs:element name='a' minOccurs='0' maxOccurs='7'/></xs:sequence>
        <xs:element name='b' minOccurs='0'/></xs:sequence></xs:complexType></xs:element>";
    let schema = read(&schema(body)).unwrap();
    let document = format!("<r xmlns='urn:t'>{}</r>", "<a xmlns=''/>".repeat(3_000) + "<b xmlns=''/>");
    assert_eq!(look(&schema, &document), Ok(()));
    let broken = document.replace("<b xmlns", "<c xmlns");
    assert!(look(&schema, &broken).is_err());
}

/// A text of the corpus with pieces of it elsewhere.
fn mangled(text: &str, edits: &[(usize, usize, usize)]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for (from, to, length) in edits {
        let (from, to) = (from % text.len(), to % text.len());
        let piece: Vec<char> = text.iter().skip(from).take(length % 40).copied().collect();
        let end = (to + length % 7).min(text.len());
        text.splice(to..end, piece);
    }
    text.into_iter().collect()
}

/// Pieces of the corpus under other names: what is well-formed still is.
fn renamed(text: &str, edits: &[(usize, usize)]) -> String {
    let words: Vec<&str> = text.split_inclusive(['"', '<', '>', ' ', '/', ':', '=']).collect();
    let mut changed = words.clone();
    for (from, to) in edits {
        let (from, to) = (from % words.len(), to % words.len());
        if words[from].chars().last() == words[to].chars().last() {
            changed[to] = words[from];
        }
    }
    changed.concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_schema_and_no_document_panics(
        file in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<usize>(), any::<usize>(), any::<usize>()), 1..4),
        names in prop::collection::vec((any::<usize>(), any::<usize>()), 1..6),
        line in any::<prop::sample::Index>(),
    ) {
        let files: Vec<_> = fs::read_dir(corpus()).unwrap().map(|entry| entry.unwrap().path()).collect();
        let files: Vec<_> = files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "xsd")).collect();
        let text = fs::read_to_string(file.get(&files)).unwrap();
        for text in [mangled(&text, &edits), renamed(&text, &names), text] {
            let Ok(schema) = read(&text) else { continue };
            let table = fs::read_to_string(corpus().join("verdicts.tsv")).unwrap();
            let lines: Vec<_> = table.lines().collect();
            let document = line.get(&lines).rsplit('\t').next().unwrap();
            for document in [mangled(document, &edits), renamed(document, &names)] {
                for root in schema.global_elements.values() {
                    let _ = schema.validate(*root, &document, None);
                    let _ = schema.validate(*root, &document, Some(&[0]));
                }
            }
        }
    }
}
