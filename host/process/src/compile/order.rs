//! What the engine and the process that compiles say to one another.
//!
//! On its standard input the process gets one line of JSON, the [`Order`], then the bytes of the component, and then nothing:
//! the input is held open until the answer is there, so its end means that whoever asked is gone. On standard output, a
//! file, it puts the machine code. Its exit status says how it went; a status that is not 0 comes with words on standard error.

use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};

/// The component was refused.
pub(super) const REFUSED: u8 = 65;
/// This is not the program that can compile for the one that asked, or it was asked wrongly.
pub(super) const UNABLE: u8 = 70;

/// Bytes that the line of an order has at most.
const LINE: u64 = 4096;

/// What is to be done, and with how much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// What the machine code has to go with.
    pub(super) compatibility: String,
    /// Bytes of the component.
    pub(super) size: u64,
    /// Bytes of memory.
    pub(super) memory: u64,
    /// Seconds of the processor.
    pub(super) cpu: u64,
    /// Bytes of machine code.
    pub(super) output: u64,
}

impl Order {
    /// As a line.
    pub(super) fn line(&self) -> io::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        Ok(line)
    }

    pub(super) fn read(from: &mut impl BufRead) -> io::Result<Self> {
        let mut line = Vec::new();
        from.by_ref().take(LINE).read_until(b'\n', &mut line)?;
        Ok(serde_json::from_slice(&line)?)
    }
}

/// Says why there is no machine code. Nobody is left to be told if it fails.
pub(super) fn say(why: &str) {
    let _ = writeln!(io::stderr(), "{why}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_as_written_and_leaves_what_follows() {
        let order = Order { compatibility: "c".into(), size: 3, memory: 1 << 30, cpu: 9, output: 7 };
        let bytes = [order.line().unwrap(), b"abc".to_vec()].concat();
        let mut rest = &bytes[..];
        assert_eq!(Order::read(&mut rest).unwrap(), order);
        assert_eq!(rest, b"abc");
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [&b""[..], b"\n", b"{}\n", b"{\"compatibility\":\"c\",\"size\":1", &[b'x'; 9000]] {
            assert!(Order::read(&mut &*bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
