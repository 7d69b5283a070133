//! Any octets are an address list: groups are balanced, no mailbox looks like
//! the mark of a group.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mail::address::{self, Address};

fuzz_target!(|input: &[u8]| {
    let mut in_group = false;
    for address in address::parse(input) {
        match address {
            Address::GroupStart(_) => assert!(!std::mem::replace(&mut in_group, true)),
            Address::GroupEnd => assert!(std::mem::replace(&mut in_group, false)),
            Address::Mailbox { host, .. } => assert!(!host.is_empty()),
        }
    }
    assert!(!in_group);
});
