//! GETJMAPACCESS: RFC 9698. Where the same mail is to be had over JMAP, if it is.

use imap::encode::{self, EightBit};

use crate::{
    Outlet,
    imap::{
        refusal::{Done, Outcome, Refusal},
        state::User,
    },
};

/// Answers GETJMAPACCESS.
pub(crate) fn access(user: &User, out: &mut impl Outlet) -> Outcome {
    let Some(url) = &user.site.jmap else {
        // RFC 9698 §4.
        return Err(Refusal::bad("There is no JMAP here").into());
    };
    out.buffer().extend_from_slice(b"* JMAPACCESS ");
    encode::string(out.buffer(), url.as_bytes(), EightBit::Literal);
    out.buffer().extend_from_slice(b"\r\n");
    Ok(Done::new("GETJMAPACCESS completed"))
}
