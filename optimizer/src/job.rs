//! What is asked for.

use crate::Crop;

/// What to make, and how good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// The format of the result.
    pub target: Target,
    /// How good it must look.
    pub quality: Quality,
    /// How long it may take.
    pub effort: Effort,
    /// How many pixels wide it is to be. A picture is made smaller, never larger, and keeps its proportions.
    pub width: Option<u32>,
    /// What part of it is to be kept, seen upright and before it is made smaller.
    pub crop: Option<Crop>,
}

/// The format of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// AVIF.
    Avif,
    /// WebP.
    WebP,
    /// The format of the source, better compressed.
    Same,
}

impl Target {
    /// Reads the name that stands in `x-vitrine-to`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "avif" => Some(Self::Avif),
            "webp" => Some(Self::WebP),
            "same" => Some(Self::Same),
            _ => None,
        }
    }
}

/// How long an encode may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effort {
    /// A visitor waits.
    First,
    /// Nobody waits: the file stays for long.
    Refined,
}

impl Effort {
    /// Reads the name that stands in `x-vitrine-effort`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "first" => Some(Self::First),
            "refined" => Some(Self::Refined),
            _ => None,
        }
    }
}

/// How good a lossy result must look, on the scale shops know from JPEG: 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quality(u8);

impl Quality {
    /// A quality between 1 and 100.
    pub fn new(value: u8) -> Option<Self> {
        (1..=100).contains(&value).then_some(Self(value))
    }

    /// The number, 1 to 100.
    pub fn value(self) -> u8 {
        self.0
    }

    /// The same as a SSIMULACRA2 score, which all formats share: what a JPEG of this quality reaches on product
    /// photographs. 58 does for slow connections, 70 is the web's standard, 80 is for looking closely.
    ///
    /// ```
    /// use vitrine_optimizer::Quality;
    ///
    /// assert_eq!(Quality::default().target(), 70.0);
    /// ```
    pub fn target(self) -> f64 {
        crate::encoder::between(&TARGETS, f64::from(self.0))
    }
}

impl Default for Quality {
    /// ### Default
    /// `75`
    fn default() -> Self {
        Self(75)
    }
}

/// SSIMULACRA2 scores of JPEG qualities.
const TARGETS: [(f64, f64); 5] = [
    (1.0, 10.0),
    (55.0, 58.0),
    (75.0, 70.0),
    (88.0, 80.0),
    (100.0, 92.0),
];
