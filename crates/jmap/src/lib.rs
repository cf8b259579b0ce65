//! JMAP.
