//! What a browser says of its line and its screen, and what follows from it for images.
//!
//! `Save-Data` is said unasked, the rest only to a site that asks for it (`Accept-CH`), by these very names. In place
//! only the quality may follow: another number of pixels could change a page's layout. A width is taken from a hint
//! only where the page's author has written `wauto`.

use http::HeaderMap;

use crate::context::Context;
use crate::platform::Platform;
use crate::sized::{self, Quality};

/// What is asked of browsers.
pub(crate) const ASKED: &str = "Sec-CH-DPR, Sec-CH-Width, Sec-CH-Viewport-Width, ECT";

/// What an image may depend on beside `Accept`: by line, by screen, by place on the page.
const NAMES: [&str; 5] = [
    "Save-Data",
    "ECT",
    "Sec-CH-DPR",
    "Sec-CH-Width",
    "Sec-CH-Viewport-Width",
];

/// Whom an image is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Place {
    /// At the image's own address.
    #[default]
    Own,
    /// At an address with a width.
    Sized,
    /// At an address that leaves the width to the browser.
    Auto,
}

/// The headers that an answer depends on beside `Accept`.
pub(super) fn varies<P: Platform>(context: &Context<P>) -> &'static [&'static str] {
    let asks = context.app.policy.images.client_hints;
    match context.place {
        _ if !asks => &NAMES[..1],
        Place::Own => &NAMES[..2],
        Place::Sized => &NAMES[..3],
        Place::Auto => &NAMES,
    }
}

/// Who saves data, or has a slow line, gets fewer bytes.
pub(super) fn follow_line<P: Platform>(context: &mut Context<P>) {
    let client = &context.client;
    let saves = text(client, "save-data").is_some_and(|v| v.eq_ignore_ascii_case("on"));
    let asks = context.app.policy.images.client_hints;
    let is_slow = asks && matches!(text(client, "ect"), Some("slow-2g" | "2g" | "3g"));
    if saves || is_slow {
        context.form.quality = Quality::Saver;
    }
    match context.form.quality {
        Quality::Saver => context.summary.push("quality=saver".into()),
        Quality::Zoom => context.summary.push("quality=zoom".into()),
        Quality::Standard => {}
    }
}

/// On a dense screen errors are smaller than on another; and where the browser is to say the width, it says it here. A
/// picture in place has often fewer pixels than its screen, so there density counts for nothing.
pub(super) fn follow_screen<P: Platform>(context: &mut Context<P>) {
    if context.place == Place::Own || !context.app.policy.images.client_hints {
        return;
    }
    let density = number(&context.client, "sec-ch-dpr").unwrap_or(1.0);
    context.form.is_dense = density >= 2.0;
    if context.place == Place::Auto {
        let viewport = number(&context.client, "sec-ch-viewport-width");
        let shown = number(&context.client, "sec-ch-width");
        let wanted = shown.or_else(|| Some(viewport? * density));
        context.form.width = wanted.map(|pixels| sized::width_on_list(pixels.ceil() as u16));
    }
}

fn text<'h>(client: &'h HeaderMap, name: &str) -> Option<&'h str> {
    client.get(name)?.to_str().ok().map(str::trim)
}

/// A positive number; whatever else a client may send is no hint.
fn number(client: &HeaderMap, name: &str) -> Option<f32> {
    let number: f32 = text(client, name)?.parse().ok()?;
    (number.is_finite() && number > 0.0).then_some(number)
}
