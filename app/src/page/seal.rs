//! The seal 印, drawn from the status of a message and from nothing else.

use leptos::prelude::*;

use crate::protocol::Status;

/// The strokes of 印, cut plainly as on a seal.
const CARVING: &str = "M10.6 5.4 6 6.9v10.6l4.8-1M6 11.600h4.600M13.6 6.900h5v7.300l-2.2.6M13.6 6v13";
/// An open card: what anybody could read and write.
const CARD: &str = "M3.5 6.500h17v11.500h-17zM7 10.500h6M7 14h4M16.5 9.500h1.500v2h-1.500z";

/// How a seal looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Of(Status),
    /// The mark of the program itself.
    Brand,
    /// An outline for empty places.
    Pale,
}

impl Look {
    fn class(self) -> &'static str {
        match self {
            Self::Of(Status::Confidential) | Self::Brand => "seal",
            Self::Of(Status::Verified) => "seal signed",
            Self::Of(Status::EncryptedUnverified) => "seal unknown",
            Self::Of(Status::Unprotected) => "seal none",
            Self::Pale => "seal pale",
        }
    }

    fn carving(self) -> &'static str {
        match self {
            Self::Of(Status::Unprotected) => CARD,
            // Nobody's name is carved where nobody can be shown to have signed.
            Self::Of(Status::EncryptedUnverified) => "M8 11V8.500a4 4 0 0 1 8 0V11M6.5 11h11v7h-11z",
            _ => CARVING,
        }
    }
}

/// A seal, hidden from screen readers: the words beside it say the same.
#[component]
pub(crate) fn Seal(look: Look) -> impl IntoView {
    view! {
        <svg class=look.class() viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <rect class="field-of" x="1.5" y="1.5" width="21" height="21" rx="3.5" />
            <path class="carving" d=look.carving() />
        </svg>
    }
}
