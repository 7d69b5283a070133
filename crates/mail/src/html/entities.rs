//! Character references of HTML: those that mail uses, by name or by number.

use alloc::string::String;
use core::char::REPLACEMENT_CHARACTER;

/// The longest reference that is known, without `&` and `;`.
const REFERENCE_MAX: usize = 12;

/// A reference as it comes, after its `&`.
#[derive(Debug, Clone, Default)]
pub(super) struct Entity {
    written: String,
}

impl Entity {
    /// Takes a character; `false` if it is not part of the reference.
    pub(super) fn push(&mut self, c: char) -> bool {
        let fits = c.is_ascii_alphanumeric() || (c == '#' && self.written.is_empty());
        let fits = fits && self.written.len() < REFERENCE_MAX;
        if fits {
            self.written.push(c);
        }
        fits
    }

    /// What stands there.
    pub(super) fn as_written(&self) -> &str {
        &self.written
    }

    /// Whether it means a character.
    pub(super) fn is_known(&self) -> bool {
        self.value().is_some()
    }

    /// The character that it means.
    pub(super) fn value(&self) -> Option<char> {
        match self.written.strip_prefix('#') {
            Some(number) => numbered(number),
            None => named(&self.written),
        }
    }
}

fn numbered(number: &str) -> Option<char> {
    let (digits, radix) = match number.strip_prefix(['x', 'X']) {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let number = u32::from_str_radix(digits, radix).unwrap_or(u32::MAX);
    Some(match number {
        0 => REPLACEMENT_CHARACTER,
        // What browsers take them for.
        0x80..=0x9f => windows_1252(number),
        _ => char::from_u32(number).unwrap_or(REPLACEMENT_CHARACTER),
    })
}

fn windows_1252(number: u32) -> char {
    let octet = u8::try_from(number).unwrap_or(b'?');
    let text = crate::charset::decode_all("windows-1252", &[octet]);
    text.chars().next().unwrap_or(REPLACEMENT_CHARACTER)
}

fn named(name: &str) -> Option<char> {
    if let Some(at) = LATIN_1.iter().position(|known| *known == name) {
        let number = u32::try_from(at).ok()? + 0xa0;
        return char::from_u32(number);
    }
    let found = OTHERS.iter().find(|(known, _)| *known == name);
    found.map(|(_, c)| *c)
}

/// From U+00A0 on.
const LATIN_1: [&str; 96] = [
    "nbsp", "iexcl", "cent", "pound", "curren", "yen", "brvbar", "sect", "uml", "copy", "ordf",
    "laquo", "not", "shy", "reg", "macr", "deg", "plusmn", "sup2", "sup3", "acute", "micro",
    "para", "middot", "cedil", "sup1", "ordm", "raquo", "frac14", "frac12", "frac34", "iquest",
    "Agrave", "Aacute", "Acirc", "Atilde", "Auml", "Aring", "AElig", "Ccedil", "Egrave", "Eacute",
    "Ecirc", "Euml", "Igrave", "Iacute", "Icirc", "Iuml", "ETH", "Ntilde", "Ograve", "Oacute",
    "Ocirc", "Otilde", "Ouml", "times", "Oslash", "Ugrave", "Uacute", "Ucirc", "Uuml", "Yacute",
    "THORN", "szlig", "agrave", "aacute", "acirc", "atilde", "auml", "aring", "aelig", "ccedil",
    "egrave", "eacute", "ecirc", "euml", "igrave", "iacute", "icirc", "iuml", "eth", "ntilde",
    "ograve", "oacute", "ocirc", "otilde", "ouml", "divide", "oslash", "ugrave", "uacute", "ucirc",
    "uuml", "yacute", "thorn", "yuml",
];

const OTHERS: [(&str, char); 45] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("AMP", '&'),
    ("LT", '<'),
    ("GT", '>'),
    ("QUOT", '"'),
    ("euro", '€'),
    ("hellip", '…'),
    ("mdash", '—'),
    ("ndash", '–'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("lsaquo", '‹'),
    ("rsaquo", '›'),
    ("bull", '•'),
    ("dagger", '†'),
    ("Dagger", '‡'),
    ("permil", '‰'),
    ("trade", '™'),
    ("OElig", 'Œ'),
    ("oelig", 'œ'),
    ("Scaron", 'Š'),
    ("scaron", 'š'),
    ("Yuml", 'Ÿ'),
    ("fnof", 'ƒ'),
    ("circ", 'ˆ'),
    ("tilde", '˜'),
    ("larr", '←'),
    ("rarr", '→'),
    ("uarr", '↑'),
    ("darr", '↓'),
    ("check", '✓'),
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("minus", '−'),
];
