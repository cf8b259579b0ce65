//! The relay from outside: JMAP against the real router, SMTP against a real socket, and the real
//! binary where its death matters.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::cast_possible_truncation,
    reason = "tests may panic"
)]

mod account_add;
mod app_password;
mod blobs;
mod canary;
mod certificates;
mod changes;
mod check;
mod clear;
mod conflicts;
mod crash;
mod email;
mod faults;
mod greylist;
mod held;
mod hostile;
mod isolation;
mod judge;
mod limits;
mod lmtp;
mod mailbox;
mod malformed;
mod mdn;
mod notice;
mod notifications;
mod operation;
mod operator;
mod outbound;
mod outside;
mod page;
mod parts;
mod passing;
mod processes;
mod proxy;
mod push;
mod quota;
mod reports;
mod requiring;
mod restart;
mod s3;
mod scanner;
mod session;
mod sharing;
mod signing_out;
mod silence;
mod smarthost;
mod smtp;
mod smuggling;
mod standard;
mod strangers;
mod submission;
mod support;
mod surge;
mod tarpit;
mod tls;
mod transfer;
mod vacation;
mod websocket;
