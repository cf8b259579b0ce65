//! Files the user chose, and bytes to be saved, shown or copied.

use js_sys::{Array, ArrayBuffer};
use wasm_bindgen::prelude::*;
use web_sys::{Blob, BlobPropertyBag, File, FileList, HtmlAnchorElement, Url};

/// A file the user chose; its bytes stay with the browser until the engine reads them.
#[derive(Clone, Debug)]
pub struct LocalFile(File);

impl LocalFile {
    /// Takes a file of an input, a drop or the clipboard.
    pub fn new(file: File) -> Self {
        Self(file)
    }

    /// Takes all files of an input, a drop or the clipboard.
    pub fn list(files: &FileList) -> Vec<Self> {
        (0..files.length()).filter_map(|index| files.get(index)).map(Self).collect()
    }

    /// Its name.
    pub fn name(&self) -> String {
        self.0.name()
    }

    /// Its media type, or `application/octet-stream`.
    pub fn media_type(&self) -> String {
        match self.0.type_() {
            media_type if media_type.is_empty() => "application/octet-stream".into(),
            media_type => media_type,
        }
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        whole(self.0.size())
    }

    pub(crate) fn blob(&self) -> &Blob {
        &self.0
    }
}

/// Bytes that the engine handed over.
#[derive(Clone, Debug)]
pub struct Bytes(ArrayBuffer);

impl Bytes {
    pub(crate) fn new(buffer: ArrayBuffer) -> Self {
        Self(buffer)
    }

    /// How many there are.
    pub fn len(&self) -> u64 {
        u64::from(self.0.byte_length())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Offers them to the user as a download.
    ///
    /// They are always saved, never shown in the page's origin, whatever media type their sender gave.
    pub fn save(&self, name: &str) -> Result<(), JsValue> {
        let options = BlobPropertyBag::new();
        options.set_type("application/octet-stream");
        let blob = Blob::new_with_buffer_source_sequence_and_options(&Array::of1(&self.0), &options)?;
        let url = Url::create_object_url_with_blob(&blob)?;
        let document = web_sys::window().and_then(|window| window.document()).ok_or(JsValue::NULL)?;
        let anchor: HtmlAnchorElement = document.create_element("a")?.dyn_into()?;
        anchor.set_href(&url);
        anchor.set_download(name);
        anchor.click();
        Url::revoke_object_url(&url)
    }
}

/// A size or count that JavaScript gives as a float, as a whole number.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "`as` saturates, and a size is never negative"
)]
pub(crate) fn whole(number: f64) -> u64 {
    number as u64
}
