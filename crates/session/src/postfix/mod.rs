//! What Postfix asks before it takes mail: whether there is such a recipient, and whether there is room.
//!
//! Three dialects of question and answer, as Postfix documents them: the lookup tables of `socketmap_table(5)` and
//! `tcp_table(5)`, and the access policy delegation of `check_policy_service`. The answers come from where LMTP has its own,
//! so that nothing is refused here that would be taken there, and the other way round.

mod answer;
mod netstring;
mod policy;
mod socketmap;
mod tcp_table;

#[cfg(test)]
mod tests;

use std::{fmt, time::Duration};

use crate::{FLUSH_AT, Gone, Next, Outlet, Services};
use answer::{Answer, Question};

/// The longest question, in octets: a policy request has some thirty attributes, among them addresses and names out
/// of certificates.
const QUESTION_OCTETS_MAX: usize = 32 * 1024;

/// How long a client may be silent: Postfix keeps connections for as long as it has use for them, and makes
/// new ones when it finds them closed.
const PATIENCE: Duration = Duration::from_mins(10);

/// How questions are put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Lookups in netstrings, by the name of a table and a key.
    Socketmap,
    /// Lookups in lines, by a key.
    TcpTable,
    /// Attributes of a mail transaction, answered by what to do with it.
    Policy,
}

/// One client's session.
#[derive(Debug)]
pub struct Session {
    services: Services,
    dialect: Dialect,
    /// The beginning of a question whose end has not come.
    begun: Vec<u8>,
}

/// What can be cut off the front of what a client has sent.
#[derive(Debug, PartialEq, Eq)]
enum Cut {
    /// A question, and how many octets it had.
    Question(Question, usize),
    /// Not a whole one yet.
    More,
    /// Nobody knows where the next one begins.
    Lost,
}

impl Session {
    /// A session in which nothing was asked yet.
    #[must_use]
    pub fn new(services: Services, dialect: Dialect) -> Self {
        Self {
            services,
            dialect,
            begun: Vec::new(),
        }
    }

    /// Takes what the client sent, and answers every question that is complete.
    ///
    /// # Errors
    /// [`Gone`]
    pub async fn receive(&mut self, octets: &[u8], out: &mut impl Outlet) -> Result<Next, Gone> {
        let mut asked = std::mem::take(&mut self.begun);
        asked.extend_from_slice(octets);
        let mut rest = &*asked;
        loop {
            match self.dialect.cut(rest) {
                Cut::Question(question, octets) => {
                    rest = rest.get(octets..).unwrap_or_default();
                    let answer = answer::to(&question, &self.services).await;
                    self.dialect.write(&answer, out.buffer());
                    if out.buffer().len() >= FLUSH_AT {
                        out.flush().await?;
                    }
                }
                Cut::More if rest.len() <= QUESTION_OCTETS_MAX => {
                    self.begun = rest.to_vec();
                    return Ok(Next::Wait);
                }
                Cut::More | Cut::Lost => {
                    tracing::warn!(dialect = %self.dialect, "what was asked is no question");
                    return Ok(Next::Close);
                }
            }
        }
    }

    /// How long the client may be silent.
    #[must_use]
    pub fn patience(&self) -> Duration {
        PATIENCE
    }
}

impl Dialect {
    fn cut(self, octets: &[u8]) -> Cut {
        match self {
            Self::Socketmap => socketmap::cut(octets),
            Self::TcpTable => tcp_table::cut(octets),
            Self::Policy => policy::cut(octets),
        }
    }

    fn write(self, answer: &Answer, into: &mut Vec<u8>) {
        match self {
            Self::Socketmap => socketmap::write(answer, into),
            Self::TcpTable => tcp_table::write(answer, into),
            Self::Policy => policy::write(answer, into),
        }
    }
}

/// As Postfix names it.
impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Socketmap => "socketmap",
            Self::TcpTable => "tcp_table",
            Self::Policy => "policy",
        })
    }
}
