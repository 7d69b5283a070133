//! Walks a store and names what is wrong with it.
