//! What happened: the changes of an account, and their form in the log.
