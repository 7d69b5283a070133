//! Sessions from greeting to QUIT, over a store in memory.
