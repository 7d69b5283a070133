//! Any octets are a URL or none: what a token authorizes is a part of it, in its place.

#![no_main]

use imap::url::{Target, Url};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(url) = Url::parse(input) else { return };
    let Target::Message(message) = url.target else {
        return;
    };
    // Without a mailbox or server of its own it is relative.
    assert!(message.mailbox.is_some() || (url.server.is_none() && input.starts_with(b";")));
    let Some(verifier) = message.authorization.and_then(|it| it.verifier) else {
        return;
    };
    let (rump, rest) = input.split_at(verifier.rump);
    let spelt = format!(":{}:{}", verifier.mechanism, verifier.token);
    assert_eq!(rest, spelt.as_bytes());
    let Ok(rump) = Url::parse(rump) else {
        panic!("the rump is no URL");
    };
    assert!(matches!(
        rump.target,
        Target::Message(imap::url::Message { authorization: Some(it), .. }) if it.verifier.is_none()
    ));
});
