//! The messages of an APPEND or REPLACE while they are being received.
//!
//! Literals come in pieces and go to the store as they come. What a URL of CATENATE names is copied
//! when its turn has come: before the next literal is asked for, or at the command's end. So a message
//! is never whole in memory, and a URL that names nothing is refused before more is sent for it.

use imap::{
    command::{AppendData, AppendMessage, CatPart, LiteralKind, MessageLiteral},
    parse::AppendStart,
};
use memchr::memchr;
use store::{Incoming, Received};

use super::nul;
use crate::imap::{
    refusal::Refusal,
    url::{Base, Nothing},
};

/// The messages of an APPEND that is being received.
#[derive(Debug)]
pub(crate) struct Appending {
    takes_utf8: bool,
    /// What the command said up to the last literal.
    pub(crate) start: Option<AppendStart>,
    received: Vec<Received>,
    current: Option<Current>,
    /// Why the APPEND will be refused once it is over: the client is sending already.
    failed: Option<Refusal>,
}

/// The message that is being received.
#[derive(Debug)]
struct Current {
    incoming: Incoming,
    /// How many of its parts have come.
    parts: usize,
    /// The form of the literal that is coming.
    kind: LiteralKind,
    /// It is all of the message.
    whole: bool,
    header: Header,
    /// NUL has come.
    has_nul: bool,
}

impl Appending {
    /// Nothing has come yet. `takes_utf8`: whether headers may have octets above 127.
    pub(crate) fn new(takes_utf8: bool) -> Self {
        Self {
            takes_utf8,
            start: None,
            received: Vec::new(),
            current: None,
            failed: None,
        }
    }

    /// A literal is announced, the last part of the last of `messages`.
    ///
    /// # Errors
    /// It is not taken; the client need not send it.
    pub(crate) async fn announced(
        &mut self,
        base: Base<'_>,
        messages: &[AppendMessage],
    ) -> Result<(), Refusal> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        self.catch_up(base, messages).await?;
        let Some((literal, whole)) = messages.last().and_then(last_literal) else {
            return Err(Refusal::bad("A literal was not expected here"));
        };
        if literal.size == 0 && whole {
            // RFC 3502: so a client takes an APPEND back.
            return Err(empty());
        }
        let current = self.current(base).await?;
        let size = current.incoming.len().saturating_add(literal.size);
        current.kind = literal.kind;
        current.whole = whole;
        let max = base.user.message_bytes_max;
        if size > max {
            return Err(store::Error::TooBig(max).into());
        }
        Ok(())
    }

    /// The next octets of the literal announced; with the `last` of them it is complete.
    pub(crate) async fn data(&mut self, octets: &[u8], last: bool) {
        if let Some(current) = &mut self.current
            && let Err(refusal) = current.literal(octets, last).await
        {
            self.fail(refusal);
        }
    }

    /// The literal announced is complete.
    pub(crate) fn data_end(&mut self) {
        if let Some(current) = &mut self.current {
            current.parts += 1;
        }
    }

    /// The command is complete: gives its messages.
    ///
    /// # Errors
    /// Why it is refused.
    pub(crate) async fn complete(
        mut self,
        base: Base<'_>,
        messages: &[AppendMessage],
    ) -> Result<Vec<Received>, Refusal> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        self.catch_up(base, messages).await?;
        // What has come in literals only is here already.
        if self.current.is_none() && self.received.len() < messages.len() {
            return Err(Refusal::bad("APPEND takes messages as literals"));
        }
        self.finish(base).await?;
        if self.received.len() == messages.len() {
            Ok(self.received)
        } else {
            Err(Refusal::bad("APPEND takes messages as literals"))
        }
    }

    /// Copies what URLs name, up to where the messages have literals that are still to come.
    async fn catch_up(
        &mut self,
        base: Base<'_>,
        messages: &[AppendMessage],
    ) -> Result<(), Refusal> {
        while let Some(message) = messages.get(self.received.len()) {
            if let AppendData::Catenate(parts) = &message.data {
                let done = self.current(base).await?.parts;
                for part in parts.iter().skip(done) {
                    let CatPart::Url(url) = part else { break };
                    let current = self.current(base).await?;
                    current.url(base, url).await?;
                    current.parts += 1;
                }
            }
            if self.received.len() + 1 == messages.len() {
                return Ok(());
            }
            self.finish(base).await?;
        }
        Ok(())
    }

    /// The message that is being received; it begins, if there is none.
    async fn current(&mut self, base: Base<'_>) -> Result<&mut Current, Refusal> {
        let current = if let Some(current) = self.current.take() {
            current
        } else {
            let id = base.user.account.id();
            Current {
                incoming: base.services.store.receive_for(id).await?,
                parts: 0,
                kind: LiteralKind::Plain,
                whole: false,
                header: Header::default(),
                has_nul: false,
            }
        };
        Ok(self.current.insert(current))
    }

    /// The message that is being received is complete.
    async fn finish(&mut self, base: Base<'_>) -> Result<(), Refusal> {
        let Some(current) = self.current.take() else {
            return Err(Refusal::bad("APPEND takes messages as literals"));
        };
        if current.incoming.is_empty() {
            return Err(empty());
        }
        if current.header.has_eight_bit && !self.takes_utf8 {
            // RFC 6855 §4.
            let text = "The message has octets above 127 in its header: enable UTF8=ACCEPT first";
            return Err(Refusal::No(None, text.into()));
        }
        let mut received = current.incoming.finish().await?;
        if current.has_nul {
            let id = base.user.account.id();
            let into = async || base.services.store.receive_for(id).await;
            received = nul::without(received, into).await?;
        }
        self.received.push(received);
        Ok(())
    }

    /// Remembers the first failure, and lets go of what has come.
    fn fail(&mut self, refusal: Refusal) {
        self.current = None;
        self.received.clear();
        self.failed.get_or_insert(refusal);
    }
}

impl Current {
    /// Octets that came with the command.
    async fn literal(&mut self, octets: &[u8], last: bool) -> Result<(), Refusal> {
        let has_nul = memchr(0, octets).is_some();
        // RFC 9051 §4.3, RFC 3516 §4.4.
        if self.kind == LiteralKind::Plain && has_nul {
            let text = "NUL in a message: a literal that begins with '~' may hold it";
            return Err(Refusal::bad(text));
        }
        self.note(octets, has_nul);
        if last && self.whole {
            self.incoming.write_last(octets).await?;
        } else {
            self.incoming.write(octets).await?;
        }
        Ok(())
    }

    /// Octets of a message that is there.
    async fn url(&mut self, base: Base<'_>, url: &[u8]) -> Result<(), Refusal> {
        let source = base.find(url).await.map_err(|none| none.refusal(url))?;
        let max = base.user.message_bytes_max;
        if self.incoming.len().saturating_add(source.len()) > max {
            return Err(store::Error::TooBig(max).into());
        }
        let (mut from, mut piece) = (0, Vec::new());
        while from < source.len() {
            let read = source.read(from, &mut piece).await;
            read.map_err(|error| Nothing::from(error).refusal(url))?;
            if piece.is_empty() {
                break;
            }
            from += piece.len() as u64;
            self.note(&piece, memchr(0, &piece).is_some());
            self.incoming.write(&piece).await?;
        }
        Ok(())
    }

    /// Looks at octets on their way.
    fn note(&mut self, octets: &[u8], has_nul: bool) {
        self.header.push(octets);
        self.has_nul |= has_nul;
    }
}

/// The literal that ends a message so far, and whether it is all of it.
fn last_literal(message: &AppendMessage) -> Option<(MessageLiteral, bool)> {
    match &message.data {
        AppendData::Message(literal) => Some((*literal, true)),
        AppendData::Catenate(parts) => match parts.last()? {
            CatPart::Text(literal) => Some((*literal, false)),
            CatPart::Url(_) => None,
        },
    }
}

fn empty() -> Refusal {
    let text = "A message of no octets: nothing was appended";
    Refusal::No(None, text.into())
}

/// Looks for octets above 127 in a message's header as it passes.
#[derive(Debug, Default)]
struct Header {
    /// It is over: an empty line has come.
    over: bool,
    /// The line so far has something on it, but for a CR.
    in_line: bool,
    has_eight_bit: bool,
}

impl Header {
    fn push(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while !self.over && !rest.is_empty() {
            let end = memchr(b'\n', rest);
            let (line, after) = rest.split_at(end.map_or(rest.len(), |at| at + 1));
            rest = after;
            self.has_eight_bit |= !line.is_ascii();
            self.in_line |= line.iter().any(|octet| !matches!(octet, b'\r' | b'\n'));
            if end.is_some() {
                self.over = !self.in_line;
                self.in_line = false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_end_with_an_empty_line() {
        for (message, expected) in [
            (&b"Subject: x\r\n\r\n\xfc"[..], false),
            (b"Subject: x\n\n\xfc", false),
            (b"Subject: x\r\nY: \xfc", true),
            (b"\xc3\xbc", true),
            (b"\r\n\xfc", false),
            (b"", false),
        ] {
            for cut in 0..=message.len() {
                let mut header = Header::default();
                let (head, tail) = message.split_at(cut);
                header.push(head);
                header.push(tail);
                assert_eq!(header.has_eight_bit, expected, "{message:?} at {cut}");
            }
        }
    }
}
