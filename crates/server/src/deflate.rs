//! COMPRESS=DEFLATE: the octets of RFC 4978, in both directions.
//!
//! What a connection holds for it is large while it works and small while it waits:
//! * a [`Deflater`] ends everything that it writes at an octet, so that no client waits for the rest of
//!   one. From there a new compressor can go on, which refers to nothing before it: so it is given back
//!   whole while a connection rests, and at once while many others work;
//! * an [`Inflater`] gives what came in pieces of bounded size, whatever it would become in all. Between
//!   two blocks nothing is left of it but some bits and the window, which is as large as what has
//!   come: that is what it keeps while a connection waits.

use std::{
    fmt, io,
    ops::{Deref, DerefMut},
    sync::{Mutex, MutexGuard, PoisonError},
};

use miniz_oxide::{
    deflate::core::{
        CompressorOxide, TDEFLFlush, TDEFLStatus, compress_to_output,
        create_comp_flags_from_zip_params,
    },
    inflate::{
        TINFLStatus,
        core::{
            BlockBoundaryState, DecompressorOxide, decompress,
            inflate_flags::{
                TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY,
                TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
            },
        },
    },
};

/// How hard to try, of 9. RFC 4978 §4: IMAP responses shrink well with the least effort. One more costs
/// several times as much, for some hundredths less to send.
const LEVEL: i32 = 1;

/// A window of 32 KiB, and no header: RFC 1951 alone.
const RAW: i32 = -15;

/// What is written.
pub(crate) struct Deflater {
    /// None while the connection rests.
    compressor: Option<Lent>,
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Deflater(awake: {})", self.is_awake())
    }
}

impl Deflater {
    pub(crate) fn new() -> Self {
        Self { compressor: None }
    }

    /// Compresses octets so that all of them can be read from what `packed` has then.
    pub(crate) fn deflate(&mut self, octets: &[u8], packed: &mut Vec<u8>) {
        self.compress(octets, TDEFLFlush::Sync, packed);
    }

    /// The end of the stream.
    pub(crate) fn finish(&mut self, octets: &[u8], packed: &mut Vec<u8>) {
        self.compress(octets, TDEFLFlush::Finish, packed);
        self.compressor = None;
    }

    fn compress(&mut self, octets: &[u8], flush: TDEFLFlush, packed: &mut Vec<u8>) {
        let compressor = self.compressor.get_or_insert_with(Lent::take);
        let (status, _) = compress_to_output(compressor, octets, flush, |some| {
            packed.extend_from_slice(some);
            true
        });
        debug_assert!(matches!(status, TDEFLStatus::Okay | TDEFLStatus::Done));
        if lending().lent > LENT_MAX {
            self.rest();
        }
    }

    /// Gives back what a connection does not need while it says nothing.
    pub(crate) fn rest(&mut self) {
        self.compressor = None;
    }

    /// Whether there is anything to give back.
    pub(crate) fn is_awake(&self) -> bool {
        self.compressor.is_some()
    }
}

/// Compressors that connections keep between what they write. With more at work than this, each is given
/// back when something is written, and what is written next refers to nothing before it: a third of a
/// megabyte each, times all that log in when a server has started, would be much for some octets.
const LENT_MAX: usize = 64;

/// Compressors that are kept for whoever writes next: making one costs more than most answers.
const SPARE_MAX: usize = 16;

/// The compressors of the process.
struct Lending {
    spare: Vec<Box<CompressorOxide>>,
    lent: usize,
}

static LENDING: Mutex<Lending> = Mutex::new(Lending {
    spare: Vec::new(),
    lent: 0,
});

fn lending() -> MutexGuard<'static, Lending> {
    // A count and a list: neither can be left half-changed.
    LENDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A compressor in use. It goes back by being dropped.
struct Lent(Option<Box<CompressorOxide>>);

impl Lent {
    fn take() -> Self {
        let mut lending = lending();
        lending.lent += 1;
        let spare = lending.spare.pop();
        drop(lending);
        let compressor = match spare {
            Some(mut spare) => {
                spare.reset();
                spare
            }
            None => Box::new(CompressorOxide::new(create_comp_flags_from_zip_params(
                LEVEL, RAW, 0,
            ))),
        };
        Self(Some(compressor))
    }
}

/// Why the compressor is there.
const UNTIL_DROPPED: &str = "it is taken out by `drop` alone";

impl Deref for Lent {
    type Target = CompressorOxide;

    fn deref(&self) -> &CompressorOxide {
        self.0.as_ref().expect(UNTIL_DROPPED)
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut CompressorOxide {
        self.0.as_mut().expect(UNTIL_DROPPED)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut lending = lending();
        lending.lent -= 1;
        if lending.spare.len() < SPARE_MAX {
            lending.spare.extend(self.0.take());
        }
    }
}

/// What is read.
pub(crate) struct Inflater {
    at: At,
    /// What came last, as the stream may refer back to it; with room for more while it works.
    window: Vec<u8>,
    /// What came and is not inflated yet.
    packed: Vec<u8>,
    /// There is more to be had without more to read.
    more: bool,
    /// The client has ended its stream, or is about to: what then comes is as it is.
    ending: bool,
}

/// What an [`Inflater`] gives.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// It came deflated.
    Inflated(Vec<u8>),
    /// It came as it is, after the end of what was deflated: the inflater is done.
    Plain(Vec<u8>),
}

/// Where an [`Inflater`] is.
enum At {
    /// Between two blocks.
    Boundary(BlockBoundaryState),
    /// In one.
    Block(Box<DecompressorOxide>),
    /// After the last.
    End,
}

/// The farthest that a stream refers back: RFC 1951 §2.
const WINDOW_OCTETS: usize = 32 * 1024;

/// The largest piece of what is inflated.
const PIECE_OCTETS: usize = 16 * 1024;

/// Octets that IMAP does not begin with: every one below this, when it stands where a stream may
/// end, is the head of a block without content.
const NO_TEXT: u8 = 4;

impl Inflater {
    pub(crate) fn new() -> Self {
        Self {
            at: At::Boundary(BlockBoundaryState::default()),
            window: Vec::new(),
            packed: Vec::new(),
            more: false,
            ending: false,
        }
    }

    /// Takes what has been read.
    pub(crate) fn feed(&mut self, packed: &[u8]) {
        self.packed.extend_from_slice(packed);
    }

    /// Whether there is something that [`Inflater::piece`] has not looked at.
    pub(crate) fn has_more(&self) -> bool {
        self.more || !self.packed.is_empty()
    }

    /// The next piece of what was fed; `None` when there is no more.
    ///
    /// # Errors
    /// It is not deflated.
    pub(crate) fn piece(&mut self) -> io::Result<Option<Piece>> {
        while self.has_more() {
            if self.is_over() {
                return Ok(Some(Piece::Plain(std::mem::take(&mut self.packed))));
            }
            if matches!(self.at, At::End) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let piece = self.step()?;
            if piece.is_empty() {
                continue;
            }
            if self.ending {
                // The client ends its stream with the command that says so (RFC 8437 §4.1).
                return Err(io::ErrorKind::InvalidData.into());
            }
            return Ok(Some(Piece::Inflated(piece)));
        }
        self.rest();
        Ok(None)
    }

    /// The client has said that its stream ends: what comes after it is not deflated. It may end it
    /// with a last block, or just so, after a flush.
    pub(crate) fn end(&mut self) {
        self.ending = true;
    }

    /// Whether what comes next is as it is.
    fn is_over(&self) -> bool {
        match &self.at {
            At::End => self.ending,
            At::Boundary(state) if self.ending && state.num_bits == 0 => {
                self.packed.first().is_some_and(|octet| *octet >= NO_TEXT)
            }
            At::Boundary(_) | At::Block(_) => false,
        }
    }

    /// Inflates up to the end of a block, or of the room for a piece.
    fn step(&mut self) -> io::Result<Vec<u8>> {
        let mut block = match std::mem::replace(&mut self.at, At::End) {
            At::Boundary(state) => Box::new(DecompressorOxide::from_block_boundary_state(&state)),
            At::Block(block) => block,
            At::End => return Ok(Vec::new()),
        };
        if self.window.len() > 2 * WINDOW_OCTETS {
            self.forget();
        }
        let begin = self.window.len();
        self.window.resize(begin + PIECE_OCTETS, 0);
        let flags = TINFL_FLAG_HAS_MORE_INPUT
            | TINFL_FLAG_STOP_ON_BLOCK_BOUNDARY
            | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, read, written) =
            decompress(&mut block, &self.packed, &mut self.window, begin, flags);
        self.packed.drain(..read);
        self.window.truncate(begin + written);
        self.more = status == TINFLStatus::HasMoreOutput;
        self.at = match status {
            TINFLStatus::BlockBoundary => match block.block_boundary_state() {
                Some(state) => At::Boundary(state),
                None => At::Block(block),
            },
            TINFLStatus::NeedsMoreInput | TINFLStatus::HasMoreOutput => At::Block(block),
            TINFLStatus::Done => At::End,
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        Ok(self.window.get(begin..).unwrap_or_default().to_vec())
    }

    /// Forgets what is too far back.
    fn forget(&mut self) {
        let far = self.window.len().saturating_sub(WINDOW_OCTETS);
        self.window.drain(..far);
    }

    /// Gives back what a connection does not need while nothing comes.
    fn rest(&mut self) {
        self.forget();
        self.window.shrink_to_fit();
        self.packed = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that comes of it, and whether anything was left over.
    fn inflated(inflater: &mut Inflater, packed: &[u8]) -> Vec<u8> {
        inflater.feed(packed);
        let mut all = Vec::new();
        while let Some(Piece::Inflated(piece)) = inflater.piece().unwrap() {
            assert!(piece.len() <= PIECE_OCTETS);
            all.extend(piece);
        }
        all
    }

    /// Octets that do not shrink away.
    fn noise(count: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    #[test]
    fn what_is_written_can_be_read_at_once() {
        let (mut deflater, mut inflater) = (Deflater::new(), Inflater::new());
        for (text, rests) in [
            (b"* OK hello\r\n".to_vec(), false),
            (b"* OK hello again\r\n".to_vec(), true),
            (noise(100_000), false),
            (vec![b'x'; 300_000], true),
            (b"* OK hello\r\n".repeat(10_000), true),
            (Vec::new(), false),
            (b"a OK\r\n".to_vec(), false),
        ] {
            let mut packed = Vec::new();
            deflater.deflate(&text, &mut packed);
            // An octet at a time, as a slow network might.
            let mut all = Vec::new();
            for octet in packed {
                all.extend(inflated(&mut inflater, &[octet]));
            }
            assert!(all == text, "{}", text.len());
            assert!(inflater.window.capacity() <= WINDOW_OCTETS);
            assert_eq!(inflater.packed.capacity(), 0);
            if rests {
                deflater.rest();
                assert!(!deflater.is_awake());
            }
        }
    }

    #[test]
    fn many_at_once_share_compressors() {
        let mut many: Vec<_> = std::iter::repeat_with(|| (Deflater::new(), Inflater::new()))
            .take(10 * LENT_MAX)
            .collect();
        for round in 0..3 {
            for (deflater, inflater) in &mut many {
                let text = format!("* {round} EXISTS\r\n").repeat(50);
                let mut packed = Vec::new();
                deflater.deflate(text.as_bytes(), &mut packed);
                assert!(packed.len() < text.len() / 4);
                assert!(inflated(inflater, &packed) == text.as_bytes());
            }
            let awake = many.iter().filter(|(deflater, _)| deflater.is_awake());
            assert!(awake.count() <= LENT_MAX);
        }
        assert!(lending().spare.len() <= SPARE_MAX);
    }

    #[test]
    fn a_bomb_comes_in_pieces() {
        let mut packed = Vec::new();
        Deflater::new().deflate(&vec![0; 10 << 20], &mut packed);
        assert!(packed.len() < 100_000, "{}", packed.len());
        let mut inflater = Inflater::new();
        inflater.feed(&packed);
        let mut count = 0;
        while let Some(Piece::Inflated(piece)) = inflater.piece().unwrap() {
            count += piece.len();
            assert!(inflater.window.capacity() <= 8 * WINDOW_OCTETS);
        }
        assert_eq!(count, 10 << 20);
    }

    #[test]
    fn what_is_not_deflated_is_an_error() {
        let mut inflater = Inflater::new();
        inflater.feed(b"a NOOP\r\n");
        assert!(inflater.piece().is_err());
    }

    #[test]
    fn a_stream_ends_and_text_follows() {
        for (name, end) in [
            ("a flush", &[][..]),
            ("a last block", &[3, 0]),
            ("a last stored block", &[1, 0, 0, 0xff, 0xff]),
            ("one flush more", &[0, 0, 0, 0xff, 0xff]),
        ] {
            let mut stream = Vec::new();
            Deflater::new().deflate(b"a UNAUTHENTICATE\r\n", &mut stream);
            stream.extend_from_slice(end);
            stream.extend_from_slice(b"b NOOP\r\n");
            // Together, and an octet at a time.
            for size in [stream.len(), 1] {
                let mut inflater = Inflater::new();
                let mut all = Vec::new();
                for some in stream.chunks(size) {
                    inflater.feed(some);
                    while let Some(piece) = inflater.piece().unwrap() {
                        let (Piece::Inflated(piece) | Piece::Plain(piece)) = piece;
                        all.extend(piece);
                        if all.ends_with(b"CATE\r\n") {
                            inflater.end();
                        }
                    }
                }
                let said = String::from_utf8(all).unwrap();
                assert_eq!(said, "a UNAUTHENTICATE\r\nb NOOP\r\n", "{name} {size}");
                assert!(inflater.packed.is_empty());
            }
        }
        let mut stream = Vec::new();
        Deflater::new().finish(b"a UNAUTHENTICATE\r\n", &mut stream);
        stream.extend_from_slice(b"b NOOP\r\n");
        let mut inflater = Inflater::new();
        inflater.feed(&stream);
        let piece = inflater.piece().unwrap().unwrap();
        assert_eq!(piece, Piece::Inflated(b"a UNAUTHENTICATE\r\n".to_vec()));
        inflater.end();
        let piece = inflater.piece().unwrap().unwrap();
        assert_eq!(piece, Piece::Plain(b"b NOOP\r\n".to_vec()));
    }

    #[test]
    fn nothing_more_is_deflated_after_the_end_was_said() {
        let mut stream = Vec::new();
        let mut deflater = Deflater::new();
        deflater.deflate(b"a UNAUTHENTICATE\r\n", &mut stream);
        let mut inflater = Inflater::new();
        inflated(&mut inflater, &stream);
        inflater.end();
        let mut stream = Vec::new();
        deflater.deflate(b"b NOOP\r\n", &mut stream);
        inflater.feed(&stream);
        let piece = inflater.piece();
        assert!(!matches!(&piece, Ok(Some(Piece::Inflated(_)))), "{piece:?}");
    }
}
