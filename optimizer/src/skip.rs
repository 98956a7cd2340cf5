//! Why the original stays.

/// Why there is no better file. Every reason leaves the visitor with the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[error("{}", self.token())]
#[non_exhaustive]
pub enum Skip {
    /// The result is not at least 5 % smaller than the source.
    NotSmaller,
    /// More pixels than the engine can do within its time, or than any picture may have.
    TooManyPixels,
    /// More bytes than are read.
    TooLarge,
    /// Not a JPEG, PNG, WebP or GIF, or a kind of one that is not read, or no engine for it is built in.
    Unsupported,
    /// More than one frame, and nothing that is built in makes an animation of them: a still picture is no copy.
    Animated,
    /// More frames, or more pixels in all of them, than are read.
    TooManyFrames,
    /// The file breaks the rules of its format, or ends too early.
    Corrupt,
    /// The colours are described in a way that is not converted.
    WideGamutUnconverted,
    /// A second picture inside (HDR gain map, stereo, preview) would be lost.
    GainMap,
    /// Browsers show the picture at another size than its pixels, because its EXIF says so.
    Resolution,
    /// Under 2 KB or a line of pixels: a tracking pixel, a spacer, an icon. Nothing to win.
    Tiny,
    /// Drawn (logo, screenshot, QR code, barcode), and the asked format would blur it.
    Graphic,
    /// CMYK or YCCK ink values, which need a print profile to become colours.
    Cmyk,
    /// 16 bits per channel, which the asked format cannot keep without loss.
    SixteenBit,
    /// The source is already compressed as hard as was asked for.
    AlreadyCompressed,
    /// No engine that is built in does it while a visitor waits.
    TooSlow,
    /// The best that the engine makes does not look good enough.
    BelowQuality,
    /// The engine refused the file.
    EncoderFailed,
    /// A style sheet with an error, a trick for one browser, or a rule that is not known.
    NotUnderstood,
    /// A style sheet whose copy would mean something else.
    Changed,
    /// A style sheet that a source map describes byte by byte.
    SourceMap,
    /// A style sheet whose encoding is not known to be UTF-8.
    Charset,
    /// A style sheet that has no use for what was asked.
    NothingToDo,
}

impl Skip {
    /// The token that stands in `x-vitrine-skip`.
    pub fn token(self) -> &'static str {
        match self {
            Self::NotSmaller => "not-smaller",
            Self::TooManyPixels => "too-many-pixels",
            Self::TooLarge => "too-large",
            Self::Unsupported => "unsupported",
            Self::Animated => "animated",
            Self::TooManyFrames => "too-many-frames",
            Self::Corrupt => "corrupt",
            Self::WideGamutUnconverted => "wide-gamut-unconverted",
            Self::GainMap => "gain-map",
            Self::Resolution => "resolution",
            Self::Tiny => "tiny",
            Self::Graphic => "graphic",
            Self::Cmyk => "cmyk",
            Self::SixteenBit => "sixteen-bit",
            Self::AlreadyCompressed => "already-compressed",
            Self::TooSlow => "too-slow",
            Self::BelowQuality => "below-quality",
            Self::EncoderFailed => "encoder-failed",
            Self::NotUnderstood => "not-understood",
            Self::Changed => "changed",
            Self::SourceMap => "source-map",
            Self::Charset => "charset",
            Self::NothingToDo => "nothing-to-do",
        }
    }

    /// Whether the container is understood, so that what is no part of the picture may be taken out of it.
    pub(crate) fn may_be_stripped(self) -> bool {
        matches!(
            self,
            Self::NotSmaller
                | Self::TooManyPixels
                | Self::WideGamutUnconverted
                | Self::Graphic
                | Self::Cmyk
                | Self::SixteenBit
                | Self::AlreadyCompressed
                | Self::TooSlow
                | Self::BelowQuality
                | Self::EncoderFailed
        )
    }
}
