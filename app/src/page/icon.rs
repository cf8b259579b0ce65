//! Small drawings. They say nothing by themselves: a text or label beside them does.

use leptos::prelude::*;

/// A drawing on a grid of 24.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Glyph {
    Inbox,
    Drafts,
    Sent,
    Archive,
    Junk,
    Trash,
    Folder,
    Brush,
    Reply,
    ReplyAll,
    Forward,
    Flag,
    Unread,
    Clip,
    Back,
    Close,
    Menu,
    Search,
    Settings,
    Leave,
    Tick,
    Down,
    Download,
    File,
    Wait,
    Warning,
    Receipt,
}

impl Glyph {
    fn path(self) -> &'static str {
        match self {
            Self::Inbox => "M3.5 13.5 6 5h12l2.5 8.5V19h-17zM3.5 13.5h5l1.2 2.5h4.6l1.2-2.5h5",
            Self::Drafts => "M5 19.5h14M6 15.5 16 5.2a1.9 1.9 0 0 1 2.8 2.7L8.7 18l-3.4.6z",
            Self::Sent => "M20.5 4 3.5 10.5l6.3 2.7L12.5 20zM20.5 4 9.8 13.2",
            Self::Archive => "M4 5h16v4H4zM5.5 9v10h13V9M10 13h4",
            Self::Junk => "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM6 6l12 12",
            Self::Trash => "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.9 12.5h9.2L17.5 7M10.3 10.5v5.5M13.7 10.5v5.5",
            Self::Folder => "M3.5 6h6l2 2.5h9V19h-17z",
            Self::Brush => {
                "M19.8 4.2 11 14.5M11 14.5c-1.6-1-3.8-.4-4.7 1.3C5.6 17.2 4.8 18.8 3.5 19.500c3.2 1 7.6.3 8.5-2.3.3-1 0-2-1-2.700z"
            }
            Self::Reply => "M9.5 6 4 11.500l5.5 5.500M4.5 11.500H14a6 6 0 0 1 6 6v1",
            Self::ReplyAll => "M7.5 7 3 11.5 7.5 16M13 6l-5.5 5.500L13 17M8 11.500h7a6 6 0 0 1 6 6v1",
            Self::Forward => "M14.5 6 20 11.5 14.5 17M19.5 11.500H10a6 6 0 0 0-6 6v1",
            Self::Flag => "M6 21V4.500M6 5c3-1.5 5 1.5 8 .5 1.5-.4 3-.9 4-.5v9c-1-.4-2.5.1-4 .5-3 1-5-2-8-.5",
            Self::Unread => {
                "M3.5 7.500h12M3.5 7.500V18h17v-6.500M3.5 8l8.5 6 3.5-2.500M19 4.500a2 2 0 1 1 0 4 2 2 0 0 1 0-4z"
            }
            Self::Clip => {
                "M18.5 11 11.7 17.800a4 4 0 0 1-5.7-5.700L13.3 4.900a2.7 2.7 0 0 1 3.8 3.800l-7.2 7.200a1.3 1.3 0 0 1-1.9-1.900L14.5 7.5"
            }
            Self::Back => "M14.5 5 7.5 12l7 7",
            Self::Close => "M6 6l12 12M18 6 6 18",
            Self::Menu => "M4 7h16M4 12h16M4 17h16",
            Self::Search => "M10.5 4.500a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM15 15l5 5",
            Self::Settings => {
                "M4 7h9M17 7h3M4 17h3M11 17h9M15 5a2 2 0 1 1 0 4 2 2 0 0 1 0-4zM9 15a2 2 0 1 1 0 4 2 2 0 0 1 0-4z"
            }
            Self::Leave => "M10 4.500H5v15h5M10 12h10M16.5 8l4 4-4 4",
            Self::Tick => "M5 12.5 10 17.5 19 7",
            Self::Down => "M6 9.500l6 6 6-6",
            Self::Download => "M12 4v11M7.5 11l4.5 4.5 4.5-4.500M5 19.500h14",
            Self::File => "M6 3.500h8l4.5 4.500v12.500H6zM14 3.500V8h4.5",
            Self::Wait => "M12 3.500a8.5 8.5 0 1 1-8.5 8.5",
            Self::Receipt => "M5.5 3.500h13v17l-3.200-2-3.300 2-3.300-2-3.200 2zM9 11l2.200 2.200 4-4.200",
            Self::Warning => "M12 4 2.8 19.500h18.400zM12 10v4.500M12 17v.1",
        }
    }
}

/// A drawing, hidden from screen readers.
#[component]
pub(crate) fn Icon(glyph: Glyph, #[prop(optional)] class: &'static str) -> impl IntoView {
    view! {
        <svg class=format!("icon {class}") viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d=glyph.path() />
        </svg>
    }
}
