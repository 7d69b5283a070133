//! Mailbox names on the wire: modified UTF-7 (RFC 3501 §5.1.3) before
//! IMAP4rev2 or UTF8=ACCEPT is enabled, UTF-8 after (RFC 9051 §5.1).
