//! Who is there, and how it is spoken: LOGIN, AUTHENTICATE, ENABLE, COMPRESS, ID.

use alloc::{string::String, vec::Vec};

use data_encoding::BASE64;

use super::{
    cursor::{Cursor, Result, fault_at, is_atom_char, upper},
    what::What,
};
use crate::command::{Any, Authenticated, Command, NotAuthenticated};

/// RFC 2971 §3.3: no more pairs than this.
const ID_PAIRS_MAX: usize = 30;
/// RFC 2971 §3.3: no longer name of a field, in octets.
const ID_FIELD_BYTES_MAX: usize = 30;
/// RFC 2971 §3.3: no longer value, in octets.
const ID_VALUE_BYTES_MAX: usize = 1024;

// login = "LOGIN" SP userid SP password
pub(super) fn login(c: &mut Cursor<'_>) -> Result<Command> {
    c.sp("LOGIN")?;
    let user = c.astring("a user name")?;
    c.sp("the user name")?;
    let password = c.astring("a password")?;
    Ok(Command::NotAuthenticated(NotAuthenticated::Login {
        user,
        password,
    }))
}

// authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp] *(CRLF base64)
pub(super) fn authenticate(c: &mut Cursor<'_>) -> Result<Command> {
    c.sp("AUTHENTICATE")?;
    let mechanism = upper(c.atom("a SASL mechanism")?);
    let initial = if c.more() {
        Some(initial_resp(c)?)
    } else {
        None
    };
    Ok(Command::NotAuthenticated(NotAuthenticated::Authenticate {
        mechanism,
        initial,
    }))
}

// initial-resp = (base64 / "=")
fn initial_resp(c: &mut Cursor<'_>) -> Result<Vec<u8>> {
    let start = c.at();
    let word = c.take_while(|b| b != b' ');
    if word == b"=" {
        return Ok(Vec::new());
    }
    match BASE64.decode(word) {
        Ok(response) => Ok(response),
        Err(_) => fault_at(start, "the initial response is not base64"),
    }
}

// compress = "COMPRESS" SP algorithm
// algorithm = "DEFLATE"
pub(super) fn compress(c: &mut Cursor<'_>) -> Result<Command> {
    c.sp("COMPRESS")?;
    let at = c.at();
    if c.atom("an algorithm")?.eq_ignore_ascii_case("DEFLATE") {
        Ok(Command::Authenticated(Authenticated::Compress))
    } else {
        fault_at(at, "the only algorithm is DEFLATE")
    }
}

// enable = "ENABLE" 1*(SP capability)
pub(super) fn enable(c: &mut Cursor<'_>) -> Result<Command> {
    c.sp("ENABLE")?;
    let mut capabilities: Vec<String> = Vec::new();
    loop {
        capabilities.push(upper(c.atom("a capability")?));
        if !c.more() {
            break;
        }
    }
    Ok(Command::Authenticated(Authenticated::Enable(capabilities)))
}

// id = "ID" SP id-params-list; id-params-list = "(" *(string SP nstring) ")" / nil
pub(super) fn id(c: &mut Cursor<'_>) -> Result<Command> {
    // Some clients leave the NIL away.
    if !c.more() || c.eat_word("NIL") {
        return Ok(Command::Any(Any::Id(Vec::new())));
    }
    let start = c.at();
    let pairs = c.list("the ID parameters", |c| {
        let at = c.at();
        let field = id_value(c)?.unwrap_or_default();
        if field.len() > ID_FIELD_BYTES_MAX {
            return fault_at(
                at,
                What::with(
                    "an ID field with a name of more than {} octets",
                    ID_FIELD_BYTES_MAX,
                ),
            );
        }
        c.sp("the name of an ID field")?;
        let at = c.at();
        let value = id_value(c)?;
        if value
            .as_ref()
            .is_some_and(|value| value.len() > ID_VALUE_BYTES_MAX)
        {
            return fault_at(
                at,
                What::with("an ID value of more than {} octets", ID_VALUE_BYTES_MAX),
            );
        }
        Ok((field, value))
    })?;
    if pairs.len() > ID_PAIRS_MAX {
        return fault_at(start, What::with("more than {} ID fields", ID_PAIRS_MAX));
    }
    Ok(Command::Any(Any::Id(pairs)))
}

/// `nstring`, or a bare word, which some clients send.
fn id_value(c: &mut Cursor<'_>) -> Result<Option<Vec<u8>>> {
    if matches!(c.peek(), Some(b'"' | b'{')) {
        return c.string("a string").map(Some);
    }
    let word = c.word(|b| is_atom_char(b) || b == b']', "a string or NIL")?;
    Ok((!word.eq_ignore_ascii_case("NIL")).then(|| word.as_bytes().to_vec()))
}
