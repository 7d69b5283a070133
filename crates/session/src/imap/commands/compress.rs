//! COMPRESS: RFC 4978 §3. The octets are the driver's affair ([`crate::Next::Compress`]).

use imap::response::Code;

use crate::imap::refusal::{Done, Outcome, Refusal};

/// Answers COMPRESS, by whether compression is on already, and whether more has come with the
/// command: in the clear, or compressed before its answer. Neither can be told from the other.
pub(crate) fn compress(active: bool, more: bool) -> Outcome {
    if active {
        let text = "DEFLATE is active already, by COMPRESS";
        return Err(Refusal::bad_with(Code::CompressionActive, text).into());
    }
    if more {
        let text = "Nothing may follow COMPRESS before its answer";
        return Err(Refusal::bad_with(Code::ClientBug, text).into());
    }
    Ok(Done::new("DEFLATE active"))
}
