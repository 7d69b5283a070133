//! A message on its way in: hashed, scanned and written as it arrives.

use crate::error::Error;

/// A message being received. Dropping it abandons the message.
#[derive(Debug)]
pub struct Incoming {}

impl Incoming {
    /// The next octets.
    ///
    /// # Errors
    /// [`Error::TooBig`] past the limit, [`Error::Full`], [`Error::OutOfService`].
    pub async fn write(&mut self, _octets: &[u8]) -> Result<(), Error> {
        unimplemented!()
    }
    /// How many octets have come.
    #[must_use]
    pub fn len(&self) -> u64 {
        unimplemented!()
    }
    /// Whether none has come.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The message is complete. Not durable yet: that comes with
    /// [`crate::Account::append`].
    ///
    /// # Errors
    /// As [`Incoming::write`].
    pub async fn finish(self) -> Result<Received, Error> {
        unimplemented!()
    }
}

/// A message received: shared by all its recipients, one copy of its octets.
#[derive(Debug, Clone)]
pub struct Received {}

impl Received {
    /// Octets, without any trace fields.
    #[must_use]
    pub fn size(&self) -> u64 {
        unimplemented!()
    }
}
