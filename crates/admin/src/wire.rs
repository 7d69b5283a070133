//! What goes over the control socket: a request as one line of JSON, answers as lines of JSON.
//!
//! A connection is for one request. The first answer is `begun`, others come as they arise; the last is `done` or `failed`. One that ends
//! without it has been cut off. Who asks is told to the server by the kernel, not by the client.

use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};

use crate::{
    outcome::{Failed, Outcome},
    report::Row,
};

/// The longest request, in octets.
pub const REQUEST_OCTETS_MAX: u64 = 1 << 20;

/// A line of an answer: `{"row": {…}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The first: the request has arrived. A server that does not say so at once does not answer.
    Begun {
        /// The server's version.
        version: String,
    },
    /// Something that was found or done.
    Row(Row),
    /// How far it is.
    Progress {
        /// So many are done.
        done: u64,
        /// Of so many; 0 if that is not known.
        total: u64,
        /// Of these.
        what: String,
    },
    /// Something to know that is no result.
    Note(String),
    /// The last: it did what was asked.
    Done(Outcome),
    /// The last: it did not.
    Failed(Failed),
}

/// Writes a value as a line.
///
/// # Errors
/// The writer's.
pub fn write(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    out.write_all(&line)
}

/// Reads a line of at most `octets_max`; without its end, and empty where there is no more.
///
/// # Errors
/// The reader's; [`io::ErrorKind::FileTooLarge`].
pub fn read(input: &mut impl BufRead, octets_max: u64) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    input.take(octets_max + 1).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() as u64 > octets_max {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_and_have_an_end() {
        let mut input = &b"one\ntwo\nthree"[..];
        for expected in ["one", "two", "three", ""] {
            assert_eq!(read(&mut input, 5).unwrap(), expected.as_bytes());
        }
        let long = read(&mut &b"123456\n"[..], 5).unwrap_err();
        assert_eq!(long.kind(), io::ErrorKind::FileTooLarge);
    }

    #[test]
    fn answers_are_lines_of_json() {
        let answer = Answer::Progress {
            done: 1,
            total: 2,
            what: "octets".to_owned(),
        };
        let mut line = Vec::new();
        write(&mut line, &answer).unwrap();
        let expected = "{\"progress\":{\"done\":1,\"total\":2,\"what\":\"octets\"}}\n";
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }
}
