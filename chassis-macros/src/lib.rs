//! The attribute macros of `chassis`; their documentation is at the re-exports there.
