//! Images at a width: `/_v/i/w640/media/vase.jpg` is the shop's `/media/vase.jpg`, 640 pixels wide.
//!
//! Only the shop's own addresses have one (H49), and only in widths of the list: each width is a variant to make
//! and to keep, and nobody may order a thousand of them.

use http::Uri;

/// The widths that there are, in pixels: from a thumbnail to a full screen. Another one is answered by the next
/// larger of these.
pub(crate) const WIDTHS: [u16; 8] = [160, 320, 480, 640, 960, 1280, 1600, 1920];

/// What the paths begin with, after the reserved prefix.
pub(crate) const UNDER: &str = "/i/w";
const PREFIX: &str = "/_v/i/w";

/// Where a path (and query) of the shop is found at a width.
pub(crate) fn path(width: u16, path_and_query: &str) -> String {
    format!("{PREFIX}{width}{path_and_query}")
}

/// The width and the shop's own address that a path of ours names. `None` when it names none.
pub(crate) fn read(uri: &Uri) -> Option<(u16, Uri)> {
    let rest = uri.path_and_query()?.as_str().strip_prefix(PREFIX)?;
    let slash = rest.find('/')?;
    let (width, inner) = rest.split_at(slash);
    let is_number = !width.is_empty() && width.bytes().all(|b| b.is_ascii_digit());
    let asked: u16 = width.parse().ok().filter(|_| is_number)?;
    let width = WIDTHS.iter().copied().find(|width| *width >= asked);
    // A second slash would begin another host's address.
    let inner: Uri = (!inner.starts_with("//")).then(|| inner.parse().ok())??;
    Some((width.unwrap_or(WIDTHS[WIDTHS.len() - 1]), inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_at_a_width_is_read_as_it_was_written() {
        let written = path(640, "/media/vase.jpg?v=2");
        let (width, inner) = read(&written.parse().unwrap()).unwrap();
        assert_eq!(
            (width, inner.to_string().as_str()),
            (640, "/media/vase.jpg?v=2")
        );
    }

    #[test]
    fn a_width_that_is_not_on_the_list_is_the_next_larger_one() {
        let width = |path: &str| read(&path.parse().unwrap()).map(|(width, _)| width);
        assert_eq!(width("/_v/i/w1/a.jpg"), Some(160));
        assert_eq!(width("/_v/i/w641/a.jpg"), Some(960));
        assert_eq!(width("/_v/i/w9999/a.jpg"), Some(1920));
        for no in [
            "/_v/i/w/a.jpg",
            "/_v/i/w+64/a.jpg",
            "/_v/i/w99999/a.jpg",
            "/_v/i/w640",
            "/_v/i/w640//evil.example/a.jpg",
            "/_v/i/640/a.jpg",
        ] {
            assert_eq!(width(no), None, "{no}");
        }
    }
}
