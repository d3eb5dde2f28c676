use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn read(content_type: &str, body: impl Into<Bytes>) -> Result<(Part, Vec<Part>), String> {
    parts(&MediaType::parse(content_type), &body.into())
}

/// What the parts hold, the root first.
fn texts(content_type: &str, body: &str) -> Vec<String> {
    let (root, others) = read(content_type, body.to_owned()).unwrap();
    [root].into_iter().chain(others).map(|part| String::from_utf8(part.data.to_vec()).unwrap()).collect()
}

const B: &str = "multipart/related; boundary=b";

#[test]
fn parts_are_what_lies_between_the_delimiters() {
    for (body, expected) in [
        ("--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n", &["one", "two"][..]),
        ("--b\n\none\n--b\n\ntwo\n--b--", &["one", "two"]),
        ("preamble --b\r\n--bc\r\n--b \t\r\nA: 1\r\n\r\none\r\n--b-- \r\nepilogue\r\n--b\r\n", &["one"]),
        ("--b\r\n\r\n\r\n\r\none\r\n\r\n--b--", &["\r\n\r\none\r\n"]),
        ("--b\r\n\r\nnot --b\r\nnor\r\n--b-\r\nnor --b--\r\n--b--", &["not --b\r\nnor\r\n--b-\r\nnor --b--"]),
        ("--b\r\n--b--", &[""]),
        ("--b\r\n\r\n--b--", &[""]),
        ("--b\r\nContent-Type: a/b\r\n--b--", &[""]),
    ] {
        assert_eq!(texts(B, body), expected, "{body:?}");
    }
}

#[test]
fn data_is_a_slice_of_the_body() {
    let body = Bytes::from_static(b"--b\r\n\r\n\xFF\x00\r\n--b--");
    let (root, _) = parts(&MediaType::parse(B), &body).unwrap();
    assert_eq!((root.data.as_ptr(), root.data.len()), (body[7..].as_ptr(), 2));
}

#[test]
fn a_header_says_what_a_part_is() {
    let body = "--b\r\ncontent-TYPE :  text/xml;\r\n\tcharset=utf-8 \r\nContent-ID:<a@b>\r\nX: y\r\n\r\n1\r\n\
                --b\r\nContent-Transfer-Encoding: Base64\r\nContent-Id: c\r\n\r\nw6k=\r\n--b--";
    let (root, others) = read(B, body).unwrap();
    assert_eq!(root.content_type.as_deref(), Some("text/xml;\tcharset=utf-8"));
    assert_eq!(root.id.as_deref(), Some("a@b"));
    let second = Part { id: Some("c".into()), content_type: None, data: "é".into() };
    assert_eq!(others, [second]);
}

#[test]
fn start_says_which_part_is_the_root() {
    let body = "--b\r\nContent-ID: <one>\r\n\r\n1\r\n--b\r\nContent-ID: <two>\r\n\r\n2\r\n--b\r\n\r\n3\r\n--b--";
    assert_eq!(texts("multipart/related; start=\"<two>\"; boundary=\"b\"", body), ["2", "1", "3"]);
    assert_eq!(texts("multipart/related; start=two; boundary=\"b\"", body), ["2", "1", "3"]);
    assert_eq!(texts(B, body), ["1", "2", "3"]);
}

#[test]
fn what_is_no_multipart_body_is_told() {
    let long = format!("multipart/related; boundary={}", "b".repeat(71));
    let many = "--b\r\n\r\n".repeat(MAX_PARTS + 1) + "--b--";
    let wide = format!("--b\r\nA: {}\r\n\r\n\r\n--b--", "a".repeat(MAX_HEADER_BYTES));
    let folded = format!("--b\r\nA: 1\r\n{}\r\n--b--", " a\r\n".repeat(MAX_HEADER_BYTES / 4));
    for (content_type, body, expected) in [
        ("multipart/related", "--b--", "needs a `boundary`"),
        (&long, "--b--", "needs a `boundary`"),
        (B, "", "no line of the body is the boundary `--b`"),
        (B, "--bx\r\n", "no line of the body"),
        (B, "--b--", "no part"),
        (B, "--b\r\n\r\none", "part 1 never ends: the line `--b--` is missing"),
        (B, "--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--c--", "part 2 never ends"),
        (B, "--b\r\n<a/>\r\n--b--", "part 1: `<a/>` is no header field"),
        (B, "--b\r\nContent-ID: 1\r\ncontent-id: 2\r\n\r\n--b--", "part 1: `content-id` comes twice"),
        (B, "--b\r\nContent-Transfer-Encoding: gzip\r\n\r\n--b--", "part 1: Content-Transfer-Encoding `gzip`"),
        (B, &many, "more than 1000 parts"),
        (B, &wide, "part 1: a header of more than 16384 bytes"),
        (B, &folded, "part 1: a header of more than 16384 bytes"),
        ("multipart/related; boundary=b; start=x", "--b\r\n\r\n--b--", "Content-ID `<x>`"),
    ] {
        let message = read(content_type, body.to_owned()).unwrap_err();
        assert!(message.contains(expected), "{content_type} {body:.60}\n  {message}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        pieces in proptest::collection::vec(
            select(vec![
                "--b", "--", "\r\n", "\n", " ", "Content-ID: <x>", "Content-Transfer-Encoding: quoted-printable", "=", "4", "é", ":",
            ]),
            0..40,
        ),
    ) {
        let _ = parts(&MediaType::parse("multipart/related;boundary=b;start=x"), &pieces.concat().into());
        let _ = parts(&MediaType::parse(B), &pieces.concat().into());
    }

    #[test]
    fn no_text_makes_the_media_type_panic(text in "[a-z/;=\"\\\\ é]{0,40}") {
        MediaType::parse(&text);
    }

    #[test]
    fn parts_come_back_as_they_were_sent(data in proptest::collection::vec(any::<Vec<u8>>(), 1..5)) {
        let mut body = Vec::new();
        for data in &data {
            body.extend_from_slice(b"--boundary of the parts\r\n\r\n");
            body.extend_from_slice(data);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--boundary of the parts--\r\n");
        let (root, others) = read("multipart/related; boundary=\"boundary of the parts\"", body).unwrap();
        let read: Vec<_> = [root].into_iter().chain(others).map(|part| part.data.to_vec()).collect();
        prop_assert_eq!(read, data);
    }
}
