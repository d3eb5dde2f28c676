//! A kept answer as bytes: a format number, the length of a JSON header, the header, then the body as it is.

use bytes::{Buf as _, BufMut as _, Bytes};
use serde::{Deserialize, Serialize};

use crate::{KeptAnswer, StoreError};

const FORMAT: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Header {
    status: u16,
    headers: Vec<(String, String)>,
}

pub(crate) fn encode_answer(answer: KeptAnswer) -> Result<Vec<u8>, StoreError> {
    let KeptAnswer { status, headers, body } = answer;
    let refused = |why: &dyn std::fmt::Display| StoreError::invalid(format!("an answer can't be kept: {why}"));
    let header = serde_json::to_vec(&Header { status, headers }).map_err(|e| refused(&e))?;
    let length = u32::try_from(header.len()).map_err(|_| refused(&"its headers have over 4 GiB"))?;
    let mut bytes = Vec::with_capacity(5 + header.len() + body.len());
    bytes.put_u8(FORMAT);
    bytes.put_u32_le(length);
    bytes.put_slice(&header);
    bytes.put_slice(&body);
    Ok(bytes)
}

/// Reads what [`encode_answer`] wrote; the body is not copied.
pub(crate) fn decode_answer(mut bytes: Bytes) -> Result<KeptAnswer, StoreError> {
    let damaged = |why: &dyn std::fmt::Display| StoreError::corrupt(format!("a kept answer can't be read: {why}"));
    match bytes.try_get_u8() {
        Ok(FORMAT) => {}
        Ok(other) => return Err(damaged(&format_args!("it has the unknown format {other}"))),
        Err(e) => return Err(damaged(&e)),
    }
    let length = bytes.try_get_u32_le().map_err(|e| damaged(&e))? as usize;
    if length > bytes.len() {
        return Err(damaged(&"it ends early"));
    }
    let Header { status, headers } = serde_json::from_slice(&bytes.split_to(length)).map_err(|e| damaged(&e))?;
    Ok(KeptAnswer { status, headers, body: bytes })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_answer_comes_back_as_it_was(
            status: u16,
            headers in proptest::collection::vec(any::<(String, String)>(), 0..4),
            body in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let given = KeptAnswer { status, headers, body: body.into() };
            prop_assert_eq!(decode_answer(encode_answer(given.clone()).unwrap().into()).unwrap(), given);
        }

        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = decode_answer(bytes.clone().into());
            bytes.splice(..0, [FORMAT, 8, 0, 0, 0]);
            let _ = decode_answer(bytes.into());
        }
    }
}
