# The menu. `just` lists it.

_menu:
    @just --list

# What every change has to pass: exactly what CI runs
check:
    .ci/run

# Every test, with real clients and a real Postfix
test:
    tests/run

# Unit tests and transcripts only
fast:
    tests/run --fast

# One transcript, or those whose path contains NAME
transcript NAME:
    TRANSCRIPT={{NAME}} cargo test -p chapar --test system transcripts -- --nocapture

# Every fuzz target for SECONDS each
fuzz SECONDS="60":
    tests/fuzz {{SECONDS}}

# The documentation of the code
doc:
    cargo doc --workspace --no-deps --document-private-items --open

# A server to try out
run:
    cargo run --release -- quickstart
