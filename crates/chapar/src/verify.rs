//! `chapar verify`: reads the whole store and names whatever is wrong.
