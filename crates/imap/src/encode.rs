//! The RFC's data items, written straight into a byte buffer.
