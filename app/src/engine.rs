//! The engine: every rule that needs no browser lives in `engine/` beside tests; `web/` does the I/O.
