//! Any octets are, perhaps, a digest: reading them is safe, and what is read
//! is written the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mail::Digest;

fuzz_target!(|input: &[u8]| {
    if let Some(digest) = Digest::decode(input) {
        let mut kept = Vec::new();
        digest.encode(&mut kept);
        assert_eq!(Digest::decode(&kept), Some(digest));
    }
});
