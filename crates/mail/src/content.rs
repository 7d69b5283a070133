//! The `Content-*` fields of one part (RFC 2045, 2183, 1864, 3282, 2557).

use alloc::{string::String, vec::Vec};

use crate::{
    header::{self, Field},
    lex::Cursor,
    structure::Encoding,
    wire::capped,
};

/// Octets of a type, subtype, disposition, encoding or language tag that are
/// taken: RFC 6838 §4.2 permits types 127.
const TOKEN_BYTES_MAX: usize = 127;
/// Parameters of a field that are taken; real ones have fewer than ten.
const PARAMS_MAX: usize = 32;
/// Octets of a parameter's value, an id, a description or a location that are
/// taken. File names are up to 255 characters, in RFC 2231 some 2,300 octets.
const TEXT_BYTES_MAX: usize = 4_096;
/// Octets of a boundary. RFC 2046 §5.1.1 permits 70, and some exceed it.
pub(crate) const BOUNDARY_BYTES_MAX: usize = 512;

/// Octets of a name that is kept where room for descriptions has run out.
const SHORT_BYTES_MAX: usize = 40;

/// A parameter, as written: names keep the asterisks of RFC 2231.
pub(crate) type Param = (Vec<u8>, Vec<u8>);

/// What the header of a part says about its body.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// Lower-cased; empty if not given or unreadable.
    pub(crate) main: String,
    /// Likewise.
    pub(crate) sub: String,
    pub(crate) params: Vec<Param>,
    pub(crate) id: Option<Vec<u8>>,
    pub(crate) description: Option<Vec<u8>>,
    /// The token as written; empty if not given.
    pub(crate) encoding_name: Vec<u8>,
    pub(crate) encoding: Encoding,
    pub(crate) md5: Option<Vec<u8>>,
    pub(crate) disposition: Option<(Vec<u8>, Vec<Param>)>,
    pub(crate) languages: Vec<Vec<u8>>,
    pub(crate) location: Option<Vec<u8>>,
}

impl Content {
    /// Reads a part's header; the first field of each name counts.
    pub(crate) fn read(header: &[u8]) -> Self {
        let mut content = Self::default();
        let mut has_type = false;
        for field in header::fields(header) {
            let Some(rest) = field.name.get(8..) else {
                continue;
            };
            if field
                .name
                .get(..8)
                .is_some_and(|head| head.eq_ignore_ascii_case(b"content-"))
            {
                content.take(rest, &field, &mut has_type);
            }
        }
        content
    }

    fn take(&mut self, name: &[u8], field: &Field<'_>, has_type: &mut bool) {
        let is = |wanted: &[u8]| name.eq_ignore_ascii_case(wanted);
        if is(b"type") {
            if !core::mem::replace(has_type, true) {
                self.media_type(&field.text());
            }
        } else if is(b"transfer-encoding") {
            if self.encoding_name.is_empty() {
                self.transfer_encoding(&field.text());
            }
        } else if is(b"disposition") {
            if self.disposition.is_none() {
                self.disposition = disposition(&field.text());
            }
        } else if is(b"language") {
            if self.languages.is_empty() {
                self.languages = languages(&field.text());
            }
        } else {
            let text = match () {
                () if is(b"id") => &mut self.id,
                () if is(b"description") => &mut self.description,
                () if is(b"md5") => &mut self.md5,
                () if is(b"location") => &mut self.location,
                () => return,
            };
            if text.is_none() {
                *text = Some(capped(&field.text(), TEXT_BYTES_MAX).to_vec());
            }
        }
    }

    fn media_type(&mut self, value: &[u8]) {
        let mut at = Cursor::new(value);
        at.skip_cfws();
        let main = token(&mut at);
        at.skip_cfws();
        if main.is_empty() || !at.eat(b'/') {
            return;
        }
        at.skip_cfws();
        let (main, sub) = (lower(main), lower(token(&mut at)));
        if main.is_empty() || sub.is_empty() {
            return;
        }
        (self.main, self.sub) = (main, sub);
        self.params = params(&mut at);
    }

    fn transfer_encoding(&mut self, value: &[u8]) {
        let mut at = Cursor::new(value);
        at.skip_cfws();
        let name = token(&mut at);
        self.encoding_name = name.to_vec();
        self.encoding = Encoding::of(name);
    }

    /// A parameter of Content-Type.
    pub(crate) fn param(&self, name: &str) -> Option<&[u8]> {
        let is = |(n, _): &&Param| n.eq_ignore_ascii_case(name.as_bytes());
        self.params
            .iter()
            .find(is)
            .map(|(_, value)| value.as_slice())
    }

    pub(crate) fn is(&self, main: &str, sub: &str) -> bool {
        self.main == main && self.sub == sub
    }

    pub(crate) fn set_type(&mut self, main: &str, sub: &str) {
        self.main = main.into();
        self.sub = sub.into();
    }

    /// The boundary of a multipart, if it can be used.
    pub(crate) fn boundary(&self) -> Option<&[u8]> {
        let boundary = self.param("boundary")?.trim_ascii_end();
        let usable = !boundary.is_empty() && boundary.len() <= BOUNDARY_BYTES_MAX;
        usable.then_some(boundary)
    }

    /// Roughly the octets that the description takes in wire form, beyond what
    /// every part needs.
    pub(crate) fn cost(&self) -> usize {
        let names = self.main.len() + self.sub.len() + self.encoding_name.len();
        let texts = [&self.id, &self.description, &self.md5, &self.location];
        let texts = texts.into_iter().flatten().chain(&self.languages);
        let texts: usize = texts.map(|text| text.len() + 3).sum();
        let disposition = self.disposition.iter();
        let disposition = disposition.map(|(kind, params)| kind.len() + params_cost(params));
        names.saturating_sub(SHORT_BYTES_MAX)
            + texts
            + params_cost(&self.params)
            + disposition.sum::<usize>()
    }

    /// Forgets all that a client can do without, and names of a length that
    /// no registered one has.
    pub(crate) fn strip(&mut self) {
        let is_charset = |(name, _): &Param| name.eq_ignore_ascii_case(b"charset");
        let charset = self.params.iter().position(is_charset);
        let charset = charset.map(|index| self.params.swap_remove(index));
        let is_short = |(_, value): &Param| value.len() <= SHORT_BYTES_MAX;
        *self = Self {
            main: core::mem::take(&mut self.main),
            sub: core::mem::take(&mut self.sub),
            encoding_name: core::mem::take(&mut self.encoding_name),
            encoding: self.encoding,
            params: charset.into_iter().filter(is_short).collect(),
            ..Self::default()
        };
        if self.encoding_name.len() > SHORT_BYTES_MAX {
            self.encoding_name = b"x-unknown".to_vec();
        }
        if self.main.len().max(self.sub.len()) > SHORT_BYTES_MAX {
            match self.main.as_str() {
                "text" => self.sub = "plain".into(),
                "multipart" => self.sub = "mixed".into(),
                _ => self.set_type("application", "octet-stream"),
            }
        }
    }
}

fn params_cost(params: &[Param]) -> usize {
    let cost = |(name, value): &Param| name.len() + value.len() + 6;
    params.iter().map(cost).sum()
}

/// RFC 2045 §5.1, but for `/` and `?`, which real values have unquoted; eight-bit
/// octets pass too.
fn is_token(byte: u8) -> bool {
    !matches!(
        byte,
        0..=b' '
            | 0x7F
            | b'('
            | b')'
            | b'<'
            | b'>'
            | b'@'
            | b','
            | b';'
            | b':'
            | b'\\'
            | b'"'
            | b'/'
            | b'='
    )
}

fn token<'a>(at: &mut Cursor<'a>) -> &'a [u8] {
    capped(at.run(is_token), TOKEN_BYTES_MAX)
}

/// ASCII, lower-cased.
fn lower(token: &[u8]) -> String {
    let printable = token.iter().filter(|b| b.is_ascii_graphic());
    printable
        .map(|b| char::from(b.to_ascii_lowercase()))
        .collect()
}

/// `; name=value` …, skipping over what is none.
fn params(at: &mut Cursor<'_>) -> Vec<Param> {
    let mut params = Vec::new();
    while params.len() < PARAMS_MAX {
        at.run(|b| b != b';' && b != b'"' && b != b'(');
        match at.peek() {
            None => break,
            Some(b'"') => {
                at.quoted_string();
                continue;
            }
            Some(b'(') => {
                at.skip_cfws();
                continue;
            }
            Some(_) => at.bump(),
        };
        params.extend(param(at));
    }
    params
}

fn param(at: &mut Cursor<'_>) -> Option<Param> {
    at.skip_cfws();
    let name = token(at);
    at.skip_cfws();
    if name.is_empty() || !at.eat(b'=') {
        return None;
    }
    at.skip_cfws();
    let value = if at.peek() == Some(b'"') {
        at.quoted_string()
    } else {
        // To the semicolon: unquoted file names have spaces, and boundaries "=".
        let value = at.run(|b| b != b';');
        let end = value
            .windows(2)
            .position(|two| two == b" (")
            .unwrap_or(value.len());
        value.get(..end).unwrap_or_default().trim_ascii().to_vec()
    };
    Some((name.to_vec(), capped(&value, TEXT_BYTES_MAX).to_vec()))
}

fn disposition(value: &[u8]) -> Option<(Vec<u8>, Vec<Param>)> {
    let mut at = Cursor::new(value);
    at.skip_cfws();
    let kind = token(&mut at).to_vec();
    let params = params(&mut at);
    // A bare `filename=…` is an attachment all the same.
    match (kind.is_empty(), params.is_empty()) {
        (true, true) => None,
        (true, false) => Some((b"attachment".to_vec(), params)),
        (false, _) => Some((kind, params)),
    }
}

fn languages(value: &[u8]) -> Vec<Vec<u8>> {
    let mut at = Cursor::new(value);
    let mut tags = Vec::new();
    while at.peek().is_some() && tags.len() < PARAMS_MAX {
        at.skip_cfws();
        let tag = token(&mut at);
        if !tag.is_empty() {
            tags.push(tag.to_vec());
        }
        at.run(|b| b != b',' && b != b'(');
        if at.peek() == Some(b'(') {
            at.skip_cfws();
        }
        at.eat(b',');
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Content {
        Content::read(header.as_bytes())
    }

    #[test]
    fn types_are_read() {
        for (value, main, sub) in [
            ("text/plain", "text", "plain"),
            ("TEXT / HTML ; charset=x", "text", "html"),
            ("(c) image/(d)png", "image", "png"),
            ("text", "", ""),
            ("text/", "", ""),
            ("text/\u{e9}", "", ""),
            ("\u{e9}/plain", "", ""),
            ("/plain", "", ""),
            ("", "", ""),
        ] {
            let content = read(&alloc::format!("Content-Type: {value}\r\n"));
            assert_eq!(
                (content.main.as_str(), content.sub.as_str()),
                (main, sub),
                "{value}"
            );
        }
    }

    #[test]
    fn params_are_read() {
        for (rest, name, expected) in [
            ("; boundary=a=b", "boundary", Some("a=b")),
            ("; boundary = \"a ; b\" ; x=y", "boundary", Some("a ; b")),
            ("; boundary = \"a ; b\" ; x=y", "x", Some("y")),
            ("; name=my file.pdf; x=y", "name", Some("my file.pdf")),
            ("; x=y (comment; z=1)", "x", Some("y")),
            ("; name*0*=utf-8''a; name*1=b", "NAME*0*", Some("utf-8''a")),
            ("; junk; x=y", "x", Some("y")),
            ("; =; \"; x=z\"; x=y", "x", Some("y")),
            (" x=y", "x", None),
        ] {
            let content = read(&alloc::format!("content-type: a/b{rest}\r\n"));
            assert_eq!(content.param(name), expected.map(str::as_bytes), "{rest}");
        }
    }

    #[test]
    fn the_other_fields_are_read() {
        let content = read(
            "Content-ID: <1>\nContent-Description: a\n b\nContent-Transfer-Encoding: BASE64 (c)\n\
             Content-MD5: x==\nContent-Disposition: inline; filename=\"a\"\nContent-Language: de, (x) fr\n\
             Content-Location: http://a/ \nContent-ID: <2>\n",
        );
        assert_eq!(content.id.as_deref(), Some(&b"<1>"[..]));
        assert_eq!(content.description.as_deref(), Some(&b"a b"[..]));
        assert_eq!(content.encoding, Encoding::Base64);
        assert_eq!(content.md5.as_deref(), Some(&b"x=="[..]));
        let (kind, params) = content.disposition.unwrap();
        assert_eq!((kind.as_slice(), params.len()), (&b"inline"[..], 1));
        assert_eq!(content.languages, [b"de", b"fr"]);
        assert_eq!(content.location.as_deref(), Some(&b"http://a/"[..]));
    }
}
