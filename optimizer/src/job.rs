//! What is asked for.

/// What to make, and how good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// The format of the result.
    pub target: Target,
    /// How good it must look.
    pub quality: Quality,
    /// How many pixels wide it is to be. A picture is made smaller, never larger, and keeps its proportions.
    pub width: Option<u32>,
}

/// The format of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// AVIF.
    Avif,
    /// The format of the source, better compressed.
    Same,
}

impl Target {
    /// Reads the name that stands in `x-vitrine-to`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "avif" => Some(Self::Avif),
            "same" => Some(Self::Same),
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
}

impl Default for Quality {
    /// ### Default
    /// `75`
    fn default() -> Self {
        Self(75)
    }
}
