//! The checksum of whatever is written: CRC-32C, Castagnoli's polynomial, as iSCSI has it.

use crc_fast::{CrcAlgorithm, Digest};

/// The checksum of octets.
pub(crate) fn crc32c(octets: &[u8]) -> u32 {
    crc_fast::crc32_iscsi(octets)
}

/// The checksum of octets that follow those which `before` is the checksum of.
pub(crate) fn crc32c_append(before: u32, octets: &[u8]) -> u32 {
    // What is carried on is the complement of what is told at the end.
    let state = u64::from(!before);
    let mut digest = Digest::new_with_init_state(CrcAlgorithm::Crc32Iscsi, state);
    digest.update(octets);
    u32::try_from(digest.finalize()).expect("a checksum of 32 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What iSCSI gives as examples, and the check value of the catalogues.
    #[test]
    fn of_known_octets() {
        let up: Vec<u8> = (0..32).collect();
        let down: Vec<u8> = (0..32).rev().collect();
        let table: [(&[u8], u32); 6] = [
            (b"", 0),
            (b"123456789", 0xe306_9283),
            (&[0; 32], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&up, 0x46dd_794e),
            (&down, 0x113f_db5c),
        ];
        for (octets, sum) in table {
            assert_eq!(crc32c(octets), sum, "{octets:?}");
            assert_eq!(crc32c_append(0, octets), sum, "{octets:?}");
        }
    }

    /// Long octets go other ways than short ones, so every length up to some blocks, cut anywhere, is tried
    /// against the definition.
    #[test]
    fn of_any_length_in_two_parts() {
        let mut random = fastrand::Rng::with_seed(3720);
        for length in (0..700).chain([4095, 4096, 25_000, 131_072]) {
            let octets: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
            let cut = random.usize(0..=length);
            let (before, after) = octets.split_at(cut);
            assert_eq!(crc32c(&octets), bit_by_bit(&octets), "{length}");
            assert_eq!(
                crc32c_append(crc32c(before), after),
                crc32c(&octets),
                "{length} cut at {cut}"
            );
        }
    }

    fn bit_by_bit(octets: &[u8]) -> u32 {
        !octets.iter().fold(!0, |sum, octet| {
            (0..8).fold(sum ^ u32::from(*octet), |sum, _| {
                (sum >> 1) ^ (0x82f6_3b78 & (sum & 1).wrapping_neg())
            })
        })
    }
}
