//! Content-Transfer-Encoding (RFC 2045 section 6): the bytes that a part stands for.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What was encoded so. Nothing is copied where nothing was encoded.
pub(super) fn decoded(encoding: Option<&str>, data: Bytes) -> Result<Bytes, String> {
    match encoding.map(str::to_ascii_lowercase).as_deref() {
        None | Some("7bit" | "8bit" | "binary") => Ok(data),
        Some("base64") => {
            let mut digits = data.to_vec();
            digits.retain(|byte| !byte.is_ascii_whitespace());
            BASE64.decode(digits).map(Bytes::from).map_err(|error| format!("it is not base64: {error}"))
        }
        Some("quoted-printable") => quoted_printable(&data).map(Bytes::from),
        Some(other) => Err(format!(
            "Content-Transfer-Encoding `{}` is not read; send binary, 8bit, 7bit, base64 or quoted-printable",
            super::excerpt(other)
        )),
    }
}

/// Section 6.7: `=` and two hexadecimal digits are a byte, `=` at the end of a line is nothing, as is white space there.
fn quoted_printable(data: &[u8]) -> Result<Vec<u8>, String> {
    let mut decoded = Vec::with_capacity(data.len());
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        let text = line.trim_ascii_end();
        let (text, is_soft) = text.strip_suffix(b"=").map_or((text, false), |text| (text, true));
        let mut bytes = text.iter();
        while let Some(byte) = bytes.next() {
            decoded.push(match byte {
                b'=' => hexadecimal(bytes.next(), bytes.next())?,
                plain => *plain,
            });
        }
        if !is_soft {
            let end: &[u8] = match line {
                [.., b'\r', b'\n'] => b"\r\n",
                [.., b'\n'] => b"\n",
                _ => b"",
            };
            decoded.extend_from_slice(end);
        }
    }
    Ok(decoded)
}

fn hexadecimal(high: Option<&u8>, low: Option<&u8>) -> Result<u8, String> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let number = digit(high).zip(digit(low)).and_then(|(high, low)| u8::try_from(high << 4 | low).ok());
    number.ok_or_else(|| "it is not quoted-printable: two hexadecimal digits have to follow `=`".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_encoding_gives_the_bytes() {
        for (encoding, sent, expected) in [
            (None, "a=\r\n", "a=\r\n"),
            (Some("Binary"), "a=\r\n", "a=\r\n"),
            (Some("BASE64"), "w6kg\r\nYQ==\r\n", "\u{e9} a"),
            (Some("base64"), "YQ", "a"),
            (Some("quoted-printable"), "=C3=a9 =\r\n1=3D1 \t\r\n\r\nb\nc", "\u{e9} 1=1\r\n\r\nb\nc"),
            (Some("quoted-printable"), "", ""),
        ] {
            assert_eq!(decoded(encoding, Bytes::from(sent)).unwrap(), expected, "{encoding:?} {sent}");
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_said() {
        for (encoding, sent, expected) in [
            ("base64", "a!", "it is not base64"),
            ("quoted-printable", "a=1", "two hexadecimal digits"),
            ("quoted-printable", "a=xy", "two hexadecimal digits"),
            ("x-uuencode", "a", "`x-uuencode` is not read"),
        ] {
            let message = decoded(Some(encoding), Bytes::from(sent)).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }
}
