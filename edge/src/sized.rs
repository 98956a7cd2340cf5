//! Images in another form: `/_v/i/w640_q-saver_c-4x5-50-30/media/vase.jpg` is the shop's `/media/vase.jpg`, 640 pixels
//! wide, with few bytes, cut to four by five around the point that matters. `docs/images.md` is this for merchants.
//!
//! Only the shop's own addresses have one (H49), and every option is out of a closed set: each form is a variant to
//! make and to keep, and nobody may order a thousand of them. Letters, digits, `-` and `_` are all that options are
//! written with: nobody has to escape them, and nothing in a `srcset` separates at them.

use http::Uri;
use serde::{Deserialize, Serialize};
use vitrine_rum_collector::token;

use crate::route;

/// The widths that there are, in pixels: from a thumbnail to a full screen. Another one is answered by the next
/// larger of these.
pub(crate) const WIDTHS: [u16; 8] = [160, 320, 480, 640, 960, 1280, 1600, 1920];

/// The last of them.
pub(crate) const WIDEST: u16 = WIDTHS[WIDTHS.len() - 1];

/// The shapes that there are, width to height.
pub(crate) const SHAPES: [&str; 9] = [
    "1x1", "4x5", "3x4", "2x3", "9x16", "4x3", "3x2", "16x9", "2x1",
];

/// What the paths begin with, after the reserved prefix.
pub(crate) const UNDER: &str = "/i/";
const PREFIX: &str = "/_v/i/";

/// What an image is to be like. The default is as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Form {
    /// How many pixels wide.
    pub(crate) width: Option<u16>,
    pub(crate) quality: Quality,
    pub(crate) crop: Option<Crop>,
    /// For a screen that shows errors at half their size. No address says so: the browser does.
    pub(crate) is_dense: bool,
}

/// How good an image must look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "authoring", derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// As few bytes as will do.
    Saver,
    /// The web's standard.
    #[default]
    Standard,
    /// For looking closely.
    Zoom,
}

impl Quality {
    /// Points on JPEG's scale, from those that the merchant's standard has: at 75 the three are SSIMULACRA2 scores of 58,
    /// 70 and 80, and on a dense screen six less. Less than the least is not taken from who has the fewest bytes already.
    pub(crate) fn points(self, standard: u8, is_dense: bool) -> u8 {
        let step = match (self, is_dense) {
            (Self::Saver, _) => -20,
            (Self::Standard, false) => 0,
            (Self::Standard, true) => -10,
            (Self::Zoom, false) => 13,
            (Self::Zoom, true) => 5,
        };
        standard.saturating_add_signed(step).clamp(1, 100)
    }
}

/// A shape, and the point of the image that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Crop {
    pub(crate) shape: &'static str,
    /// From the left and from the top, in percent.
    pub(crate) focus: (u8, u8),
}

impl Crop {
    /// Reads a shape, and a point such as `50-30`.
    pub(crate) fn read(shape: &str, focus: &str) -> Option<Self> {
        let shape = SHAPES.into_iter().find(|known| *known == shape)?;
        let (left, top) = focus.split_once('-')?;
        let focus = (on_grid(left)?, on_grid(top)?);
        Some(Self { shape, focus })
    }
}

/// A percentage, as the middle of the fifth that it is in: with five columns and five rows an image has 25 points.
fn on_grid(percent: &str) -> Option<u8> {
    let percent = number(percent).filter(|percent| *percent <= 100)? as u8;
    Some((percent / 20).min(4) * 20 + 10)
}

/// A number in its one spelling.
fn number(digits: &str) -> Option<u16> {
    let is_plain = digits.bytes().all(|b| b.is_ascii_digit());
    let is_short = digits == "0" || !digits.starts_with('0');
    digits.parse().ok().filter(|_| is_plain && is_short)
}

/// The narrowest width on the list that is no narrower, or the widest.
pub(crate) fn width_on_list(asked: u16) -> u16 {
    let wide_enough = WIDTHS.into_iter().find(|width| *width >= asked);
    wide_enough.unwrap_or(WIDEST)
}

/// What an address of ours asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) form: Form,
    /// The width is the browser's to say.
    pub(crate) auto: bool,
    /// The shop's own address.
    pub(crate) inner: Uri,
}

/// Why an address names no image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No path of the shop.
    #[error(
        "no image of the shop is named here: its path is expected behind the options, as in /_v/i/w640/media/vase.jpg"
    )]
    NoImage,
    /// No width first.
    #[error("options begin with a width: w and pixels, as in /_v/i/w640/media/vase.jpg, or wauto")]
    Width,
    /// No quality that there is.
    #[error("the quality is q-saver or q-zoom; without one it is the standard")]
    Quality,
    /// No shape that there is, or no point.
    #[error(
        "a crop is c-, one of the shapes {shapes}, and the point that matters in percent from the left and the top, as in c-4x5-50-30",
        shapes = SHAPES.join(", ")
    )]
    Crop,
    /// Something else, or in another order.
    #[error(
        "behind the width there may be a quality, a crop and a signature, in this order and each once, as in w640_q-saver_c-4x5-50-30"
    )]
    Options,
    /// Not signed, or by no key of ours.
    #[error("the address needs a valid signature: `vitrine images sign` writes one")]
    Signature,
}

/// Writes where a path (and query) of the shop is found in another form, signed where there is a key.
pub(crate) fn path(form: Form, path_and_query: &str, key: &str) -> String {
    let width = form
        .width
        .map_or("wauto".to_owned(), |width| format!("w{width}"));
    let quality = match form.quality {
        Quality::Saver => "_q-saver",
        Quality::Standard => "",
        Quality::Zoom => "_q-zoom",
    };
    let crop = form.crop.map_or(String::new(), |crop| {
        let (left, top) = crop.focus;
        format!("_c-{}-{left}-{top}", crop.shape)
    });
    let options = format!("{width}{quality}{crop}");
    if key.is_empty() {
        return format!("{PREFIX}{options}{path_and_query}");
    }
    let tag = token::tag(key.as_bytes(), &unsigned(&options, path_and_query));
    format!("{PREFIX}{options}{SIGNED}{tag}{path_and_query}")
}

/// Writes the address of an image of the shop in another form: `/media/vase.jpg` with the options `w640_q-saver`. Signed
/// where there is a key.
///
/// ```
/// let address = vitrine_edge::image_address("/media/vase.jpg", "w600_q-saver", "");
/// assert_eq!(address.unwrap(), "/_v/i/w640_q-saver/media/vase.jpg");
/// ```
pub fn address(path_and_query: &str, options: &str, key: &str) -> Result<String, Refusal> {
    if !path_and_query.starts_with('/') {
        return Err(Refusal::NoImage);
    }
    let written = format!("{PREFIX}{options}{path_and_query}");
    let written: Uri = written.parse().map_err(|_| Refusal::NoImage)?;
    let asked = read(&written, &[])?;
    Ok(path(asked.form, &asked.inner.to_string(), key))
}

/// What stands before a signature, which is the last option.
const SIGNED: &str = "_s-";

/// What a signature is of: the address as it would be without one.
fn unsigned(options: &str, path_and_query: &str) -> String {
    format!("{PREFIX}{options}{path_and_query}")
}

/// Reads an address of ours. Where there are keys, it is signed with one of them.
pub(crate) fn read(uri: &Uri, keys: &[&str]) -> Result<Asked, Refusal> {
    let whole = uri.path_and_query().map_or("", |whole| whole.as_str());
    let rest = whole.strip_prefix(PREFIX).ok_or(Refusal::NoImage)?;
    let slash = rest.find('/').ok_or(Refusal::NoImage)?;
    let (tagged, inner) = rest.split_at(slash);
    let (options, tag) = match tagged.split_once(SIGNED) {
        Some((options, tag)) => (options, Some(tag)),
        None => (tagged, None),
    };
    let (form, auto) = read_options(options)?;
    // A second slash would begin another host's address, and two dots would leave the options behind.
    let path = inner.split('?').next().unwrap_or_default();
    let stays = route::decoded(uri.path()) == format!("{PREFIX}{tagged}{}", route::decoded(path));
    let address = (stays && !inner.starts_with("//")).then(|| inner.parse().ok());
    let address = address.flatten().ok_or(Refusal::NoImage)?;
    let keys: Vec<&[u8]> = keys.iter().map(|key| key.as_bytes()).collect();
    let is_signed = |tag| token::is_tag_of(&keys, &unsigned(options, inner), tag);
    if !keys.is_empty() && !tag.is_some_and(is_signed) {
        return Err(Refusal::Signature);
    }
    Ok(Asked {
        form,
        auto,
        inner: address,
    })
}

fn read_options(options: &str) -> Result<(Form, bool), Refusal> {
    let mut options = options.split('_').peekable();
    let width = options.next().and_then(|width| width.strip_prefix('w'));
    let (width, auto) = match width.ok_or(Refusal::Width)? {
        "auto" => (None, true),
        digits => (Some(number(digits).ok_or(Refusal::Width)?), false),
    };
    let quality = match options.next_if(|option| option.starts_with("q-")) {
        None => Quality::Standard,
        Some("q-saver") => Quality::Saver,
        Some("q-zoom") => Quality::Zoom,
        Some(_) => return Err(Refusal::Quality),
    };
    let crop = options.next_if(|option| option.starts_with("c-"));
    let crop = crop.map(|option| {
        let (shape, focus) = option.get(2..)?.split_once('-')?;
        Crop::read(shape, focus)
    });
    let crop = crop.map(|crop| crop.ok_or(Refusal::Crop)).transpose()?;
    if options.next().is_some() {
        return Err(Refusal::Options);
    }
    let form = Form {
        width: width.map(width_on_list),
        quality,
        crop,
        is_dense: false,
    };
    Ok((form, auto))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Result<Asked, Refusal> {
        read(&path.parse().unwrap(), &[])
    }

    fn options(options: &str) -> Result<Form, Refusal> {
        at(&format!("/_v/i/{options}/a.jpg")).map(|asked| asked.form)
    }

    fn wide(width: u16) -> Form {
        Form {
            width: Some(width),
            ..Form::default()
        }
    }

    #[test]
    fn an_address_is_read_as_it_was_written() {
        let crop = Crop::read("4x5", "50-30");
        for (form, address) in [
            (wide(640), "/_v/i/w640/media/vase.jpg?v=2"),
            (
                Form {
                    quality: Quality::Zoom,
                    ..wide(1920)
                },
                "/_v/i/w1920_q-zoom/media/vase.jpg?v=2",
            ),
            (
                Form { crop, ..wide(320) },
                "/_v/i/w320_c-4x5-50-30/media/vase.jpg?v=2",
            ),
            (
                Form {
                    quality: Quality::Saver,
                    crop,
                    ..wide(160)
                },
                "/_v/i/w160_q-saver_c-4x5-50-30/media/vase.jpg?v=2",
            ),
            (
                Form {
                    crop,
                    ..Form::default()
                },
                "/_v/i/wauto_c-4x5-50-30/media/vase.jpg?v=2",
            ),
        ] {
            assert_eq!(path(form, "/media/vase.jpg?v=2", ""), address);
            let asked = at(address).unwrap();
            assert_eq!(
                (asked.form, asked.auto),
                (form, form.width.is_none()),
                "{address}"
            );
            assert_eq!(asked.inner, "/media/vase.jpg?v=2");
        }
    }

    #[test]
    fn a_width_that_is_not_on_the_list_is_the_next_larger_one() {
        for (asked, answered) in [(0, 160), (1, 160), (641, 960), (1920, 1920), (9999, 1920)] {
            assert_eq!(options(&format!("w{asked}")), Ok(wide(answered)));
        }
    }

    #[test]
    fn a_point_is_the_middle_of_the_field_it_is_in() {
        for (asked, answered) in [
            ("0-19", (10, 10)),
            ("20-39", (30, 30)),
            ("55-80", (50, 90)),
            ("99-100", (90, 90)),
        ] {
            let crop = options(&format!("w640_c-1x1-{asked}")).unwrap().crop;
            assert_eq!(crop.unwrap().focus, answered, "{asked}");
        }
    }

    #[test]
    fn whatever_is_in_no_list_or_written_otherwise_is_refused() {
        for (no, reason) in [
            ("w", Refusal::Width),
            ("w+64", Refusal::Width),
            ("w0640", Refusal::Width),
            ("w99999", Refusal::Width),
            ("640", Refusal::Width),
            ("wAUTO", Refusal::Width),
            ("", Refusal::Width),
            ("q-saver_w640", Refusal::Width),
            ("w640_q-standard", Refusal::Quality),
            ("w640_q-75", Refusal::Quality),
            ("w640_c-7x5-50-50", Refusal::Crop),
            ("w640_c-4x5", Refusal::Crop),
            ("w640_c-4x5-50", Refusal::Crop),
            ("w640_c-4x5-50-101", Refusal::Crop),
            ("w640_c-4x5-050-30", Refusal::Crop),
            ("w640_c-4x5--50-30", Refusal::Crop),
            ("w640_c-4x5-50-30_q-saver", Refusal::Options),
            ("w640_q-saver_q-saver", Refusal::Options),
            ("w640_", Refusal::Options),
            ("w640_blur", Refusal::Options),
            ("w640,q-saver", Refusal::Width),
        ] {
            assert_eq!(options(no), Err(reason), "{no}");
        }
        for no in [
            "/_v/i/w640",
            "/_v/i/w640//evil.example/a.jpg",
            "/_v/i/w640/../a.jpg",
            "/_v/i/w640/../w640/a.jpg",
            "/_v/i/w640/b/%2e%2e/../a.jpg",
            "/_v/i",
            "/_v/j/w640/a.jpg",
        ] {
            assert_eq!(at(no), Err(Refusal::NoImage), "{no}");
        }
    }

    #[test]
    fn a_signature_is_of_every_letter_of_the_address() {
        let written = path(wide(640), "/a.jpg?v=2", "key");
        let tag = written
            .strip_prefix("/_v/i/w640_s-")
            .unwrap()
            .strip_suffix("/a.jpg?v=2")
            .unwrap();
        assert_eq!(tag.len(), 22);
        let read = |address: &str, keys: &[&str]| {
            read(&address.parse().unwrap(), keys).map(|asked| asked.form)
        };
        assert_eq!(read(&written, &["key"]), Ok(wide(640)));
        assert_eq!(
            read(&written, &["new", "key"]),
            Ok(wide(640)),
            "a key that is going is good still"
        );
        for other in [
            format!("/_v/i/w960_s-{tag}/a.jpg?v=2"),
            format!("/_v/i/w640_q-zoom_s-{tag}/a.jpg?v=2"),
            format!("/_v/i/w640_s-{tag}/b.jpg?v=2"),
            format!("/_v/i/w640_s-{tag}/a.jpg?v=3"),
            format!("/_v/i/w640_s-{tag}/a.jpg"),
            format!("/_v/i/w640_s-{}/a.jpg?v=2", &tag[1..]),
            format!("/_v/i/w640_s-{tag}_s-{tag}/a.jpg?v=2"),
            "/_v/i/w640_s-/a.jpg?v=2".to_owned(),
            "/_v/i/w640/a.jpg?v=2".to_owned(),
        ] {
            assert_eq!(read(&other, &["key"]), Err(Refusal::Signature), "{other}");
        }
        assert_eq!(read(&written, &["other"]), Err(Refusal::Signature));
        assert_eq!(
            read("/_v/i/w640/a.jpg", &[]),
            Ok(wide(640)),
            "no key, no signature"
        );
    }
}
