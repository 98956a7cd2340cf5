//! Stand-ins for web fonts: fonts that a system has, scaled so that text takes the room in them that it will
//! take in the web font.
//!
//! A stand-in has a name of its own (`"Lato v-fallback"`). Two things make it appear, in either order and on
//! their own of no effect: its `@font-face` rules ([`faces`]), and its name behind the web font's in a list of
//! families ([`sheet`]). The numbers are those of `createFontStack` in `@capsizecss/core`.

mod measures;
pub(crate) mod sheet;

use measures::{FAMILIES, STAND_INS};

/// Kinds of fonts, by what can stand in for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    SansSerif,
    Serif,
    Monospace,
}

impl Look {
    /// What stands in. Of two, the second is for systems that do not have the first.
    fn stand_ins(self) -> &'static [&'static StandIn] {
        match self {
            Self::SansSerif => &[&ARIAL, &ROBOTO],
            Self::Serif => &[&TIMES, &NOTO_SERIF],
            Self::Monospace => &[&COURIER],
        }
    }
}

/// A font's measures, in units of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Measures {
    name: &'static str,
    look: Look,
    units_per_em: u16,
    ascent: u16,
    descent: u16,
    line_gap: u16,
    /// Mean width of a letter, weighed by how often it comes in English.
    width: u16,
    /// The same of the bold face; 0 where there is none, or it differs in height.
    bold_width: u16,
}

/// A row of the table: units per em, ascent, descent, line gap, width and width of the bold face.
const fn row(name: &'static str, look: Look, numbers: [u16; 6]) -> Measures {
    let [units_per_em, ascent, descent, line_gap, width, bold_width] = numbers;
    Measures {
        name,
        look,
        units_per_em,
        ascent,
        descent,
        line_gap,
        width,
        bold_width,
    }
}

/// A font that systems have, under the names that browsers on them find it by. The Liberation fonts have the
/// very widths and heights of those before them.
struct StandIn {
    name: &'static str,
    regular: &'static [&'static str],
    bold: &'static [&'static str],
}

const ARIAL: StandIn = StandIn {
    name: "Arial",
    regular: &["Arial", "ArialMT", "Liberation Sans"],
    bold: &["Arial Bold", "Arial-BoldMT", "Liberation Sans Bold"],
};
const TIMES: StandIn = StandIn {
    name: "Times New Roman",
    regular: &["Times New Roman", "TimesNewRomanPSMT", "Liberation Serif"],
    bold: &[
        "Times New Roman Bold",
        "TimesNewRomanPS-BoldMT",
        "Liberation Serif Bold",
    ],
};
const COURIER: StandIn = StandIn {
    name: "Courier New",
    regular: &["Courier New", "CourierNewPSMT", "Liberation Mono"],
    bold: &[
        "Courier New Bold",
        "CourierNewPS-BoldMT",
        "Liberation Mono Bold",
    ],
};
const ROBOTO: StandIn = StandIn {
    name: "Roboto",
    regular: &["Roboto", "Roboto Regular", "Roboto-Regular"],
    bold: &["Roboto Bold", "Roboto-Bold"],
};
const NOTO_SERIF: StandIn = StandIn {
    name: "Noto Serif",
    regular: &["Noto Serif", "Noto Serif Regular", "NotoSerif-Regular"],
    bold: &["Noto Serif Bold", "NotoSerif-Bold"],
};

/// Letters that every web font in the table has. Whatever else a text has in it keeps the fonts that its author
/// names: the web font may not have it, and then a stand-in would stay.
const LETTERS: &str =
    "U+0-FF,U+131,U+152-153,U+2C6,U+2DA,U+2DC,U+2010-2027,U+2030-203A,U+20AC,U+2122";

/// What a browser has to know that is to get faces which need their height set. It says nothing of fonts, but no
/// browser that sets the width alone knows it (Safari, and `WebKit` wherever it is); where that changes, text is as
/// it would be without.
const SETS_HEIGHT: &str = "@supports (overflow-anchor:auto)";

/// By how much heights are more than they are. Browsers round them to whole pixels, and what is half a pixel in the
/// web font (Inter at 16 has 15.5) is less than that in its stand-in, whose size is cut to hundredths. With this,
/// one line in 150 is of another height by a pixel, at sizes from 12 to 40; without, one in 20.
const A_HAIR: f64 = 1.000_4;

/// A web font whose measures are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Family(&'static Measures);

/// The web font of a name, in any case.
pub(crate) fn family(name: &str) -> Option<Family> {
    let at = FAMILIES.binary_search_by(|known| {
        let known = known.name.bytes().map(|b| b.to_ascii_lowercase());
        known.cmp(name.bytes().map(|b| b.to_ascii_lowercase()))
    });
    at.ok().and_then(|at| FAMILIES.get(at)).map(Family)
}

impl Family {
    /// The web font's name.
    pub(crate) fn name(self) -> &'static str {
        self.0.name
    }

    /// The name of its stand-in.
    pub(crate) fn stand_in(self) -> String {
        format!("{} v-fallback", self.0.name)
    }

    /// The rules that describe its stand-in. Of faces that differ in nothing but where they come from, a browser
    /// takes the last that is there.
    pub(crate) fn faces(self) -> String {
        let stand_ins = self.0.look.stand_ins().iter().rev();
        let faces = stand_ins.flat_map(|stand_in| [(stand_in, false), (stand_in, true)]);
        let fits: Vec<_> = faces
            .filter_map(|(stand_in, bold)| Some((stand_in, bold, self.fit(stand_in, bold)?)))
            .collect();
        let rules = fits
            .iter()
            .map(|(stand_in, bold, fit)| self.face(stand_in, *bold, fit));
        let rules: String = rules.collect();
        // All or none: with one weight alone, every text would be of that weight.
        if fits.iter().all(|(_, _, fit)| fit.suits_by_width) {
            rules
        } else {
            format!("{SETS_HEIGHT}{{{rules}}}")
        }
    }

    fn face(self, stand_in: &StandIn, is_bold: bool, fit: &Fit) -> String {
        let (names, weight) = match (is_bold, self.0.bold_width) {
            (true, _) => (stand_in.bold, "font-weight:600 900;"),
            (false, 0) => (stand_in.regular, ""),
            (false, _) => (stand_in.regular, "font-weight:100 500;"),
        };
        let names: Vec<_> = names.iter().map(|n| format!("local(\"{n}\")")).collect();
        format!(
            "@font-face{{font-family:\"{}\";src:{};{weight}unicode-range:{LETTERS};size-adjust:{};\
             ascent-override:{};descent-override:{};line-gap-override:{}}}",
            self.stand_in(),
            names.join(","),
            percent(fit.size),
            percent(fit.ascent * A_HAIR),
            percent(fit.descent * A_HAIR),
            percent(fit.line_gap * A_HAIR),
        )
    }

    fn fit(self, stand_in: &StandIn, is_bold: bool) -> Option<Fit> {
        let there = STAND_INS.iter().find(|known| known.name == stand_in.name)?;
        let width = |of: &Measures| f64::from(if is_bold { of.bold_width } else { of.width });
        let em = |of: &Measures| f64::from(of.units_per_em);
        if width(self.0) == 0.0 || width(there) == 0.0 {
            return None;
        }
        let size = (width(self.0) / em(self.0)) / (width(there) / em(there));
        let square = em(self.0) * size;
        let line = |of: &Measures| {
            (f64::from(of.ascent) + f64::from(of.descent) + f64::from(of.line_gap)) / em(of)
        };
        let wanted = line(self.0);
        let off = |height: f64| (height - wanted).abs();
        // A text of many lines has more or fewer of them where nothing is scaled.
        let without = off(line(there)).min(off(line(there) / size));
        Some(Fit {
            size,
            ascent: f64::from(self.0.ascent) / square,
            descent: f64::from(self.0.descent) / square,
            line_gap: f64::from(self.0.line_gap) / square,
            suits_by_width: off(line(there) * size) <= without,
        })
    }
}

/// How a font is scaled to stand in for another.
struct Fit {
    size: f64,
    ascent: f64,
    descent: f64,
    line_gap: f64,
    /// Whether the height of a text, of one line or many, is no further off in a browser that sets the width
    /// alone, where the lines have no stated height.
    suits_by_width: bool,
}

fn percent(share: f64) -> String {
    let text = format!("{:.4}", share * 100.0);
    format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests;
