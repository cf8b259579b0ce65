//! Whole mails: sealed, signed, opened.
