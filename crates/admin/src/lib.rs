//! What administrators ask for: each verb once, for the server and for the command line.
//!
//! A verb is a request, which is data; running it on an open store reports progress, rows and a
//! summary, which are data too. The server runs requests that come over its control socket, the command line
//! runs the same where no server has the store.
