//! Any file is an mbox of some messages; what is written of them is read again.

#![no_main]

use formats::{Letters, mbox::{Quoting, Reader}};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let directory = std::env::temp_dir().join(format!("fuzz-mbox-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("box");
    std::fs::write(&path, input).unwrap();
    for quoting in [Quoting::AsFound, Quoting::O, Quoting::Rd, Quoting::Cl2] {
        let mut reader = Reader::open(&path, quoting).unwrap();
        while reader.next().unwrap().is_some() {
            let (mut once, mut again) = (Vec::new(), Vec::new());
            while reader.read(&mut once).unwrap() {}
            reader.again().unwrap();
            while reader.read(&mut again).unwrap() {}
            assert_eq!(once, again);
        }
    }
});
