//! The outlet of a session: a buffer in front of a stream, and no patience with a
//! client that does not read.

use std::time::Duration;

use session::{Gone, Outlet};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    time::{sleep, timeout},
};

use crate::deflate::Deflater;

/// A stream to write to.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    pub(crate) stream: S,
    buffer: Vec<u8>,
    /// How long the client may read nothing.
    patience: Duration,
    /// Octets sent.
    pub(crate) sent: u64,
    /// What is written is compressed first (RFC 4978).
    deflater: Option<Deflater>,
    /// Octets that were compressed, before and after.
    pub(crate) deflated: Ratio,
}

/// What compression came to, in octets.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Ratio {
    pub(crate) plain: u64,
    pub(crate) packed: u64,
}

/// A client that waits for a long command hears of it so often: RFC 9585 §4 recommends 10 to 15 seconds.
const SILENCE: Duration = Duration::from_secs(12);

/// Octets of a buffer that is kept between commands; a larger one is given back.
const KEPT_OCTETS: usize = 1024;

impl<S: AsyncWrite + Unpin + Send> Wire<S> {
    pub(crate) fn new(stream: S, patience: Duration) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
            patience,
            sent: 0,
            deflater: None,
            deflated: Ratio::default(),
        }
    }

    /// Compresses what is written from now on.
    pub(crate) fn compress(&mut self) {
        self.deflater = Some(Deflater::new());
    }

    /// Writes the buffer out, and ends the compressed stream with it.
    pub(crate) async fn uncompress(&mut self) -> Result<(), Gone> {
        if let Some(mut deflater) = self.deflater.take() {
            let plain = std::mem::take(&mut self.buffer);
            deflater.finish(&plain, &mut self.buffer);
            self.deflated.plain += plain.len() as u64;
            self.deflated.packed += self.buffer.len() as u64;
        }
        self.flush().await
    }

    /// Whether there is something that [`Wire::doze`] would give back.
    pub(crate) fn is_awake(&self) -> bool {
        self.deflater.as_ref().is_some_and(Deflater::is_awake)
    }

    /// Gives back what is not needed while nothing is written.
    pub(crate) fn doze(&mut self) {
        if let Some(deflater) = &mut self.deflater {
            deflater.rest();
        }
    }

    /// Nothing more will be sent for a while.
    pub(crate) fn rest(&mut self) {
        if self.buffer.is_empty() && self.buffer.capacity() > KEPT_OCTETS {
            self.buffer = Vec::new();
        }
    }

    /// Writes the buffer out and says goodbye; whether the client hears it does not matter.
    pub(crate) async fn close(&mut self) {
        if self.uncompress().await.is_ok() {
            let _ = timeout(self.patience, self.stream.shutdown()).await;
        }
    }

    async fn write(&mut self) -> Option<()> {
        let mut rest = &*self.buffer;
        while !rest.is_empty() {
            // Each piece has its own time: slow is not gone.
            let written = timeout(self.patience, self.stream.write(rest)).await.ok()?;
            let written = written.ok().filter(|written| *written > 0)?;
            self.sent += written as u64;
            rest = rest.get(written..)?;
        }
        timeout(self.patience, self.stream.flush()).await.ok()?.ok()
    }
}

impl<S: AsyncWrite + Unpin + Send> Outlet for Wire<S> {
    fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        if let Some(deflater) = &mut self.deflater {
            let mut packed = Vec::with_capacity(self.buffer.len() / 2);
            deflater.deflate(&self.buffer, &mut packed);
            self.deflated.plain += self.buffer.len() as u64;
            self.deflated.packed += packed.len() as u64;
            self.buffer = packed;
        }
        let written = self.write().await;
        self.buffer.clear();
        written.ok_or(Gone)
    }

    fn silence(&self) -> impl Future<Output = ()> + Send {
        sleep(SILENCE)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn a_client_that_does_not_read_is_gone() {
        let (here, there) = tokio::io::duplex(64);
        let mut wire = Wire::new(here, Duration::from_millis(50));
        wire.buffer().extend_from_slice(&[b'x'; 1000]);
        assert_eq!(wire.flush().await, Err(Gone));
        drop(there);
    }

    #[tokio::test]
    async fn a_client_that_reads_slowly_gets_everything() {
        let (here, mut there) = tokio::io::duplex(1);
        let mut wire = Wire::new(here, Duration::from_mins(1));
        wire.buffer().extend_from_slice(&[b'x'; 1000]);
        let reader = tokio::spawn(async move {
            let mut all = Vec::new();
            there.read_to_end(&mut all).await.map(|_| all.len())
        });
        assert_eq!(wire.flush().await, Ok(()));
        assert_eq!(wire.sent, 1000);
        drop(wire);
        assert_eq!(reader.await.unwrap().unwrap(), 1000);
    }
}
