//! HTML to text: what a reader would see of it, without how it looks.
//!
//! A tokenizer that takes pieces of any size, looks at each character once, and holds no more than the beginning of one name. It
//! fails on nothing: whatever is not a tag, an entity or a comment is text, as browsers have it.

mod entities;

use alloc::string::String;

use entities::Entity;

/// The longest name of a tag that is known.
const NAME_MAX: usize = 12;

/// What becomes of what the writer quotes: `<blockquote>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quotes {
    /// It is part of the text, each line of it after `> `.
    Marked,
    /// It is left out.
    Dropped,
}

/// Takes HTML as it comes, and gives its text.
#[derive(Debug)]
pub struct HtmlText {
    state: State,
    quotes: Quotes,
    /// Depth of `<blockquote>`.
    quoted: u32,
    /// Depth of `<pre>`.
    preformatted: u32,
    /// Line ends before the next character.
    breaks: u8,
    /// A space before the next character, unless a line begins with it.
    space: bool,
    /// Whether any character was given.
    begun: bool,
}

#[derive(Debug, Clone)]
enum State {
    /// Text.
    Text,
    /// After `&`.
    Entity(Entity),
    /// After `<`.
    Open,
    /// In the name of a tag.
    Name(Tag),
    /// In a tag, after its name; within these quotes.
    Within(Tag, Option<char>),
    /// After `<!` or `<?`: how many of the two dashes that begin a comment have come.
    Markup(u8),
    /// In a comment: how many dashes came last.
    Comment(u8),
    /// In an element whose content is no text, up to its end tag: how much of that has come.
    Raw(Tag, usize),
}

/// A tag, as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tag {
    /// Lower-cased. One that is longer is known by none of it.
    name: [u8; NAME_MAX],
    len: usize,
    end: bool,
}

impl Tag {
    fn push(&mut self, c: char) {
        let octet = u8::try_from(c).map_or(b'?', |octet| octet.to_ascii_lowercase());
        if let Some(place) = self.name.get_mut(self.len) {
            *place = octet;
        }
        self.len = self.len.saturating_add(1);
    }

    fn name(&self) -> &[u8] {
        self.name.get(..self.len).unwrap_or_default()
    }

    /// Whether its content is no text.
    fn is_raw(&self) -> bool {
        let raw: [&[u8]; 4] = [b"script", b"style", b"title", b"template"];
        !self.end && raw.contains(&self.name())
    }

    /// The character of its end tag at this place: `</script`.
    fn end_at(&self, at: usize) -> Option<char> {
        match at {
            0 => Some('<'),
            1 => Some('/'),
            _ => self.name().get(at - 2).map(|octet| char::from(*octet)),
        }
    }
}

impl HtmlText {
    /// At the beginning.
    #[must_use]
    pub const fn new(quotes: Quotes) -> Self {
        Self {
            state: State::Text,
            quotes,
            quoted: 0,
            preformatted: 0,
            breaks: 0,
            space: false,
            begun: false,
        }
    }

    /// Takes the next piece, and appends what text is in it. Lines end with LF.
    pub fn push(&mut self, html: &str, out: &mut String) {
        for c in html.chars() {
            self.char(c, out);
        }
    }

    /// Takes the end: what looked like the beginning of something is text.
    pub fn finish(mut self, out: &mut String) {
        if let State::Entity(entity) = &self.state {
            let entity = entity.clone();
            self.entity(&entity, out);
        }
    }

    fn char(&mut self, c: char, out: &mut String) {
        match &mut self.state {
            State::Text => match c {
                '<' => self.state = State::Open,
                '&' => self.state = State::Entity(Entity::default()),
                c => self.text(c, out),
            },
            State::Entity(entity) => {
                if entity.push(c) {
                    return;
                }
                let entity = entity.clone();
                self.state = State::Text;
                self.entity(&entity, out);
                if c != ';' || !entity.is_known() {
                    self.char(c, out);
                }
            }
            State::Open => match c {
                '!' | '?' => self.state = State::Markup(0),
                '/' => {
                    self.state = State::Name(Tag {
                        end: true,
                        ..Tag::default()
                    });
                }
                c if c.is_ascii_alphabetic() => {
                    let mut tag = Tag::default();
                    tag.push(c);
                    self.state = State::Name(tag);
                }
                c => {
                    self.state = State::Text;
                    self.text('<', out);
                    self.char(c, out);
                }
            },
            State::Name(tag) => match c {
                '>' => {
                    let tag = *tag;
                    self.tag(tag);
                }
                c if c.is_ascii_whitespace() || c == '/' => self.state = State::Within(*tag, None),
                c => tag.push(c),
            },
            State::Within(tag, quotes) => match (c, *quotes) {
                ('>', None) => {
                    let tag = *tag;
                    self.tag(tag);
                }
                ('"' | '\'', None) => *quotes = Some(c),
                (c, Some(quote)) if c == quote => *quotes = None,
                _ => {}
            },
            State::Markup(dashes) => match (c, *dashes) {
                ('-', 0) => *dashes = 1,
                ('-', 1) => self.state = State::Comment(0),
                ('>', _) => self.state = State::Text,
                _ => *dashes = 2,
            },
            State::Comment(dashes) => match c {
                '-' => *dashes = (*dashes + 1).min(2),
                '>' if *dashes == 2 => self.state = State::Text,
                _ => *dashes = 0,
            },
            State::Raw(tag, at) => {
                let c = c.to_ascii_lowercase();
                if tag.end_at(*at) == Some(c) {
                    *at += 1;
                } else if *at > 2 && tag.end_at(*at).is_none() && !c.is_ascii_alphanumeric() {
                    let tag = Tag { end: true, ..*tag };
                    self.state = State::Within(tag, None);
                    self.char(c, out);
                } else {
                    *at = usize::from(c == '<');
                }
            }
        }
    }

    /// A tag is complete.
    fn tag(&mut self, tag: Tag) {
        self.state = if tag.is_raw() {
            State::Raw(tag, 0)
        } else {
            State::Text
        };
        let breaks = match tag.name() {
            b"br" => (self.breaks + 1).min(2),
            b"p" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" | b"ul" | b"ol" | b"dl"
            | b"table" | b"hr" => 2,
            b"blockquote" => {
                step(&mut self.quoted, tag.end);
                2
            }
            b"pre" => {
                step(&mut self.preformatted, tag.end);
                2
            }
            b"div" | b"li" | b"tr" | b"dt" | b"dd" | b"body" | b"html" | b"section"
            | b"article" | b"header" | b"footer" | b"address" | b"center" | b"form"
            | b"fieldset" | b"figure" | b"figcaption" | b"main" | b"nav" | b"aside"
            | b"caption" | b"option" | b"title" => 1,
            b"td" | b"th" => {
                self.space = true;
                0
            }
            _ => 0,
        };
        self.breaks = self.breaks.max(breaks);
    }

    /// A character of text, as it stands in the HTML.
    fn text(&mut self, c: char, out: &mut String) {
        if self.preformatted > 0 {
            match c {
                '\r' => {}
                '\n' => self.breaks = self.breaks.saturating_add(1).min(2),
                c => self.show(c, out),
            }
        } else if c.is_ascii_whitespace() {
            self.space = true;
        } else {
            self.show(c, out);
        }
    }

    fn entity(&mut self, entity: &Entity, out: &mut String) {
        if let Some(c) = entity.value() {
            self.show(c, out);
            return;
        }
        self.text('&', out);
        for c in entity.as_written().chars() {
            self.text(c, out);
        }
    }

    /// A character that is seen.
    fn show(&mut self, c: char, out: &mut String) {
        if self.quoted > 0 && self.quotes == Quotes::Dropped {
            return;
        }
        let at_begin = !self.begun || self.breaks > 0;
        if self.begun {
            for _ in 0..self.breaks {
                out.push('\n');
            }
        }
        if at_begin {
            for _ in 0..self.quoted.min(9) {
                out.push_str("> ");
            }
        } else if self.space {
            out.push(' ');
        }
        (self.breaks, self.space, self.begun) = (0, false, true);
        // A space that keeps words together is one to whoever only reads.
        out.push(if c == '\u{a0}' { ' ' } else { c });
    }
}

/// One deeper, or one less.
fn step(depth: &mut u32, end: bool) {
    *depth = if end {
        depth.saturating_sub(1)
    } else {
        depth.saturating_add(1)
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(html: &str, quotes: Quotes) -> String {
        let mut whole = String::new();
        let mut reader = HtmlText::new(quotes);
        reader.push(html, &mut whole);
        reader.finish(&mut whole);
        // However it is cut, it is the same.
        let mut single = String::new();
        let mut reader = HtmlText::new(quotes);
        for c in html.chars() {
            reader.push(c.encode_utf8(&mut [0; 4]), &mut single);
        }
        reader.finish(&mut single);
        assert_eq!(whole, single);
        whole
    }

    #[test]
    fn what_is_seen_is_the_text() {
        for (html, expected) in [
            ("", ""),
            ("plain", "plain"),
            (
                "<p>Hello,&nbsp;<b>world</b>!</p>\r\n<p>Two\n  lines</p>",
                "Hello, world!\n\nTwo lines",
            ),
            ("a<br>b<br/>c<BR><br><br>d", "a\nb\nc\n\nd"),
            ("<ul><li>one<li>two</ul>", "one\ntwo"),
            ("<table><tr><td>a</td><td>b</td></tr><tr><td>c", "a b\nc"),
            ("<pre>a  b\n  c</pre>", "a  b\n  c"),
            (
                "<head><title>no</title><style>p > a {}</style></head><body>yes",
                "yes",
            ),
            ("<script>if (a</b) '</scripting>' </SCRIPT >yes", "yes"),
            (
                "a<!-- <p>no > -- -> -->b<!doctype html>c<?xml a?>d<!>e",
                "abcde",
            ),
            ("<a href=\"x>y\" title='\">'>link</a>", "link"),
            ("1 < 2 &amp; 3 > 2 <3", "1 < 2 & 3 > 2 <3"),
            (
                "&lt;b&gt; &eacute;&Eacute; &#228;&#xE4; &hellip;&euro;",
                "<b> éÉ ää …€",
            ),
            (
                "&#150; &#0; &#xD800; &#99999999;",
                "– \u{fffd} \u{fffd} \u{fffd}",
            ),
            (
                "AT&T &unknown; &amp &nosemicolon x&",
                "AT&T &unknown; & &nosemicolon x&",
            ),
            ("a<blockquote>b<br>c</blockquote>d", "a\n\n> b\n> c\n\nd"),
            ("unfinished <b", "unfinished"),
            ("unfinished <!-- x", "unfinished"),
            ("x &eacut", "x &eacut"),
        ] {
            assert_eq!(text(html, Quotes::Marked), expected, "{html}");
        }
    }

    #[test]
    fn quotes_can_be_left_out() {
        let html =
            "new<blockquote>old<blockquote>older</blockquote></blockquote></blockquote>newer";
        assert_eq!(text(html, Quotes::Dropped), "new\n\nnewer");
    }

    #[test]
    fn no_html_makes_much_of_little() {
        let deep = "<blockquote>".repeat(10_000) + "x" + &"<br>".repeat(10_000) + "y";
        assert!(text(&deep, Quotes::Marked).len() < 100);
        let open = "<".repeat(10_000) + &"&".repeat(10_000) + &"<!--".repeat(10_000);
        assert!(text(&open, Quotes::Marked).len() <= 20_000);
        assert_eq!(
            text(&(String::from("&") + &"a".repeat(100_000)), Quotes::Marked).len(),
            100_001
        );
    }
}
