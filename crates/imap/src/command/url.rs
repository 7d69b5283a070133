//! What URLFETCH asks for: RFC 4467, RFC 5524.

use alloc::vec::Vec;

/// `url-fetch-arg`: RFC 5524 §5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlFetch {
    /// The URL, as sent.
    pub url: Vec<u8>,
    /// What of it; nothing at all asks for the octets as RFC 4467 has them.
    pub params: UrlFetchParams,
}

/// `url-fetch-param`s: RFC 5524 §3.1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UrlFetchParams {
    /// `BODYPARTSTRUCTURE`.
    pub structure: bool,
    /// `BODY` or `BINARY`.
    pub octets: Option<UrlOctets>,
}

/// In which form octets are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlOctets {
    /// `BODY`: as they are.
    Body,
    /// `BINARY`: without their transfer encoding.
    Binary,
}
