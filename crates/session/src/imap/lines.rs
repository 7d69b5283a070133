//! Lines that are no command: the answers of a SASL exchange, and DONE.

use auth::Step;
use imap::response::Status;

use super::{
    Lines, SASL_LINE_BYTES_MAX, Sasl, Session, bye,
    commands::login,
    refusal::{Done, Refusal, Stop},
    reply,
};
use crate::{Gone, Next, Outlet};

impl Session {
    /// A line that is no command.
    pub(super) async fn line(&mut self, line: &[u8], out: &mut impl Outlet) -> Result<Next, Gone> {
        match std::mem::replace(&mut self.lines, Lines::Commands) {
            Lines::Sasl(sasl) => self.sasl_line(sasl, line, out).await,
            Lines::Done { tag } => {
                if !line.eq_ignore_ascii_case(b"DONE") {
                    let refusal = Refusal::bad("DONE was expected; IDLE is over");
                    return Ok(self.refused(&tag, &refusal, out));
                }
                self.lines = Lines::Done { tag };
                self.tell(out).await?;
                if let Lines::Done { tag } = std::mem::replace(&mut self.lines, Lines::Commands) {
                    reply::tagged(
                        out,
                        self.enabled.language,
                        &tag,
                        (Status::Ok, None),
                        "IDLE completed",
                    );
                }
                Ok(Next::Wait)
            }
            Lines::Commands | Lines::Handshake => {
                Ok(bye(self.enabled.language, out, "A line was not expected"))
            }
        }
    }

    /// The client's answer in a SASL exchange.
    async fn sasl_line(
        &mut self,
        sasl: Box<Sasl>,
        line: &[u8],
        out: &mut impl Outlet,
    ) -> Result<Next, Gone> {
        let tag = sasl.tag.clone();
        let outcome = if line == b"*" {
            Err(Refusal::bad("AUTHENTICATE cancelled").into())
        } else if let Ok(message) = data_encoding::BASE64.decode(line) {
            self.sasl_step(sasl, &message, out).await
        } else {
            Err(Refusal::bad("That was not base64").into())
        };
        match outcome {
            Ok(None) => Ok(Next::Wait),
            Ok(Some(done)) => {
                reply::tagged(
                    out,
                    self.enabled.language,
                    &tag,
                    (Status::Ok, done.code.as_ref()),
                    done.text,
                );
                Ok(Next::Wait)
            }
            Err(Stop::Refused(refusal)) => Ok(self.refused(&tag, &refusal, out)),
            Err(Stop::Gone) => Err(Gone),
        }
    }

    /// One message of a SASL exchange.
    pub(super) async fn sasl_step(
        &mut self,
        mut sasl: Box<Sasl>,
        message: &[u8],
        out: &mut impl Outlet,
    ) -> Result<Option<Done>, Stop> {
        let entered = match sasl.exchange.step(message).await {
            Ok(Step::Challenge(challenge)) => {
                self.expect_sasl(sasl, &challenge, out);
                return Ok(None);
            }
            Ok(Step::Done(identity)) => login::enter(&self.services, &self.peer, identity).await,
            Err(refused) => Err(login::refused(refused)),
        };
        self.entered(entered, "AUTHENTICATE completed", out)
            .map(Some)
    }

    pub(super) fn expect_sasl(&mut self, sasl: Box<Sasl>, challenge: &[u8], out: &mut impl Outlet) {
        reply::challenge(out, &data_encoding::BASE64.encode(challenge));
        self.lines = Lines::Sasl(sasl);
        self.wire.expect_line(SASL_LINE_BYTES_MAX);
    }
}
