//! Content codings: what a client takes, what an origin sent, and both directions of the work, streaming.

use std::io::Write;

use flate2::write::{DeflateDecoder, GzEncoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};

/// Window of brotli output as a power of two: 256 KiB covers a page, and a larger one costs every
/// request its allocation.
const BROTLI_WINDOW_BITS: u32 = 18;
/// Buffer between a codec and its output, in bytes.
const BUFFER_BYTES: usize = 8 * 1024;

/// A content coding that `edge` can both read and write (`deflate` is only read).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// As it is.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 1950, or the bare RFC 1951 that some servers send under this name.
    Deflate,
    /// RFC 7932.
    Brotli,
}

impl Coding {
    /// The token of `Content-Encoding`.
    pub fn token(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
        }
    }

    fn of_token(token: &str) -> Option<Self> {
        let is = |name: &str| token.eq_ignore_ascii_case(name);
        match () {
            () if is("identity") || token.is_empty() => Some(Self::Identity),
            () if is("gzip") || is("x-gzip") => Some(Self::Gzip),
            () if is("deflate") => Some(Self::Deflate),
            () if is("br") => Some(Self::Brotli),
            () => None,
        }
    }

    /// A whole body without this coding. `None` when it is not what its label says, or longer than `at_most` bytes.
    pub(crate) fn decoded(self, body: &[u8], at_most: usize) -> Option<Vec<u8>> {
        /// Bytes given to the decoder at once, so that a bomb is noticed while it goes off.
        const PIECE: usize = 16 << 10;
        if self == Self::Identity {
            return Some(body.to_vec());
        }
        let mut decoder = Decoder::new(self);
        let mut plain = Vec::new();
        for piece in body.chunks(PIECE) {
            plain.extend(decoder.write(piece).ok()?);
            if plain.len() > at_most {
                return None;
            }
        }
        plain.extend(decoder.finish().ok()?);
        Some(plain)
    }

    /// What the response says it is coded with. `None` where `edge` cannot read it: an unknown coding, or
    /// more than one.
    pub fn of_response(headers: &HeaderMap) -> Option<Self> {
        let mut found = Self::Identity;
        for value in headers.get_all(CONTENT_ENCODING) {
            for token in value.to_str().ok()?.split(',') {
                match (found, Self::of_token(token.trim())?) {
                    (_, Self::Identity) => {}
                    (Self::Identity, coding) => found = coding,
                    _ => return None,
                }
            }
        }
        Some(found)
    }
}

/// What a client takes, from `Accept-Encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accepted {
    /// Weight of brotli in thousandths; 0 is a refusal.
    brotli: u16,
    /// Weight of gzip in thousandths.
    gzip: u16,
    /// Weight of deflate in thousandths.
    deflate: u16,
}

impl Accepted {
    /// Reads `Accept-Encoding`. Without one the client is taken to want plain bytes: that is what every
    /// client can read.
    pub fn of_request(headers: &HeaderMap) -> Self {
        let mut accepted = Self::default();
        let mut named = [false; 3];
        let mut any = None;
        let values = headers.get_all(ACCEPT_ENCODING).iter();
        for item in values
            .filter_map(|v| v.to_str().ok())
            .flat_map(|v| v.split(','))
        {
            let (token, weight) = weighted(item);
            let (slot, at) = match Coding::of_token(token) {
                Some(Coding::Brotli) => (&mut accepted.brotli, 0),
                Some(Coding::Gzip) => (&mut accepted.gzip, 1),
                Some(Coding::Deflate) => (&mut accepted.deflate, 2),
                _ => {
                    if token == "*" {
                        any = Some(weight);
                    }
                    continue;
                }
            };
            *slot = weight;
            named[at] = true;
        }
        if let Some(weight) = any {
            let slots = [
                &mut accepted.brotli,
                &mut accepted.gzip,
                &mut accepted.deflate,
            ];
            for (slot, named) in slots.into_iter().zip(named) {
                if !named {
                    *slot = weight;
                }
            }
        }
        accepted
    }

    /// The best coding to write for this client.
    pub fn best(self) -> Coding {
        if self.brotli > 0 && self.brotli >= self.gzip {
            Coding::Brotli
        } else if self.gzip > 0 {
            Coding::Gzip
        } else {
            Coding::Identity
        }
    }

    /// Whether the client reads this coding.
    pub fn takes(self, coding: Coding) -> bool {
        match coding {
            Coding::Identity => true,
            Coding::Gzip => self.gzip > 0,
            Coding::Deflate => self.deflate > 0,
            Coding::Brotli => self.brotli > 0,
        }
    }

    /// `Accept-Encoding` for the origin: what this client and `edge` both read, so that a response can
    /// still be passed on as it came.
    pub fn for_origin(self) -> &'static str {
        match (self.brotli > 0, self.gzip > 0) {
            (true, true) => "br, gzip",
            (true, false) => "br",
            (false, true) => "gzip",
            (false, false) => "identity",
        }
    }
}

/// One item of a weighted list: the token, and its `q` in thousandths. A malformed `q` is a refusal: the
/// client then gets something it certainly reads.
pub(crate) fn weighted(item: &str) -> (&str, u16) {
    let mut parts = item.split(';');
    let token = parts.next().unwrap_or_default().trim();
    let weight = parts
        .find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
        })
        .map_or(1000, |q| {
            q.parse::<f32>()
                .ok()
                .filter(|q| (0.0..=1.0).contains(q))
                .map_or(0, |q| (q * 1000.0).round() as u16)
        });
    (token, weight)
}

/// A body that is not what its label says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the body is not valid {0}")]
pub struct Corrupt(pub &'static str);

/// Decodes a body piece by piece.
#[derive(Debug)]
pub struct Decoder {
    coding: Coding,
    /// Whether anything came at all: an empty body is empty in every coding.
    fed: bool,
    codec: DecoderKind,
}

enum DecoderKind {
    Identity,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    /// Which of the two forms of deflate it is shows in the first two bytes.
    Undecided(Vec<u8>),
    Zlib(Box<ZlibDecoder<Vec<u8>>>),
    Deflate(Box<DeflateDecoder<Vec<u8>>>),
    Brotli(Box<brotli::DecompressorWriter<Vec<u8>>>),
}

impl std::fmt::Debug for DecoderKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DecoderKind")
    }
}

impl Decoder {
    /// A decoder at the start of a body.
    pub fn new(coding: Coding) -> Self {
        let codec = match coding {
            Coding::Identity => DecoderKind::Identity,
            Coding::Gzip => DecoderKind::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            Coding::Deflate => DecoderKind::Undecided(Vec::new()),
            Coding::Brotli => DecoderKind::Brotli(Box::new(brotli::DecompressorWriter::new(
                Vec::new(),
                BUFFER_BYTES,
            ))),
        };
        Self {
            coding,
            fed: false,
            codec,
        }
    }

    /// Takes the next piece and gives everything that can be decoded so far.
    pub fn write(&mut self, piece: &[u8]) -> Result<Vec<u8>, Corrupt> {
        let corrupt = Corrupt(self.coding.token());
        self.fed |= !piece.is_empty();
        if let DecoderKind::Undecided(held) = &mut self.codec {
            held.extend_from_slice(piece);
            if held.len() < 2 {
                return Ok(Vec::new());
            }
            let held = std::mem::take(held);
            let is_zlib =
                held[0] & 0x0f == 8 && (u16::from(held[0]) << 8 | u16::from(held[1])) % 31 == 0;
            self.codec = if is_zlib {
                DecoderKind::Zlib(Box::new(ZlibDecoder::new(Vec::new())))
            } else {
                DecoderKind::Deflate(Box::new(DeflateDecoder::new(Vec::new())))
            };
            return self.write(&held);
        }
        let done = match &mut self.codec {
            DecoderKind::Identity => return Ok(piece.to_vec()),
            DecoderKind::Undecided(_) => return Ok(Vec::new()),
            DecoderKind::Gzip(codec) => write_and_flush(codec.as_mut(), piece),
            DecoderKind::Zlib(codec) => write_and_flush(codec.as_mut(), piece),
            DecoderKind::Deflate(codec) => write_and_flush(codec.as_mut(), piece),
            DecoderKind::Brotli(codec) => codec.write_all(piece),
        };
        done.map_err(|_| corrupt)?;
        Ok(self.take())
    }

    /// Ends the body: gives what is left, or an error when the coded stream has no proper end.
    pub fn finish(mut self) -> Result<Vec<u8>, Corrupt> {
        if !self.fed {
            return Ok(Vec::new());
        }
        let corrupt = Corrupt(self.coding.token());
        match &mut self.codec {
            DecoderKind::Identity => return Ok(Vec::new()),
            DecoderKind::Undecided(_) => return Err(corrupt),
            DecoderKind::Gzip(codec) => codec.try_finish(),
            DecoderKind::Zlib(codec) => codec.try_finish(),
            DecoderKind::Deflate(codec) => codec.try_finish(),
            DecoderKind::Brotli(codec) => codec.close(),
        }
        .map_err(|_| corrupt)?;
        Ok(self.take())
    }

    fn take(&mut self) -> Vec<u8> {
        match &mut self.codec {
            DecoderKind::Identity | DecoderKind::Undecided(_) => Vec::new(),
            DecoderKind::Gzip(codec) => std::mem::take(codec.get_mut()),
            DecoderKind::Zlib(codec) => std::mem::take(codec.get_mut()),
            DecoderKind::Deflate(codec) => std::mem::take(codec.get_mut()),
            DecoderKind::Brotli(codec) => std::mem::take(codec.get_mut()),
        }
    }
}

fn write_and_flush(codec: &mut impl Write, piece: &[u8]) -> std::io::Result<()> {
    codec.write_all(piece)?;
    codec.flush()
}

/// Codes a body piece by piece.
pub struct Encoder(EncoderKind);

enum EncoderKind {
    Gzip(GzEncoder<Vec<u8>>),
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Encoder")
    }
}

impl Encoder {
    /// An encoder at the start of a body; `None` where the bytes go out as they are.
    pub fn new(coding: Coding, brotli_quality: u8) -> Option<Self> {
        match coding {
            Coding::Identity | Coding::Deflate => None,
            Coding::Gzip => Some(Self(EncoderKind::Gzip(GzEncoder::new(
                Vec::new(),
                flate2::Compression::new(6),
            )))),
            Coding::Brotli => Some(Self(EncoderKind::Brotli(Box::new(
                brotli::CompressorWriter::new(
                    Vec::new(),
                    BUFFER_BYTES,
                    u32::from(brotli_quality.min(11)),
                    BROTLI_WINDOW_BITS,
                ),
            )))),
        }
    }

    /// Takes the next piece and gives the output that is ready, which may be nothing.
    pub fn write(&mut self, piece: &[u8]) -> Vec<u8> {
        // The sink is a `Vec`: writing into it does not fail.
        match &mut self.0 {
            EncoderKind::Gzip(codec) => {
                let _ = codec.write_all(piece);
                std::mem::take(codec.get_mut())
            }
            EncoderKind::Brotli(codec) => {
                let _ = codec.write_all(piece);
                std::mem::take(codec.get_mut())
            }
        }
    }

    /// Gives everything taken so far in a form that the client can decode now.
    pub fn flush(&mut self) -> Vec<u8> {
        match &mut self.0 {
            EncoderKind::Gzip(codec) => {
                let _ = codec.flush();
                std::mem::take(codec.get_mut())
            }
            EncoderKind::Brotli(codec) => {
                let _ = codec.flush();
                std::mem::take(codec.get_mut())
            }
        }
    }

    /// Ends the body.
    pub fn finish(self) -> Vec<u8> {
        match self.0 {
            EncoderKind::Gzip(codec) => codec.finish().unwrap_or_default(),
            EncoderKind::Brotli(codec) => codec.into_inner(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(value: &str) -> Accepted {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, value.parse().unwrap());
        Accepted::of_request(&headers)
    }

    #[test]
    fn the_best_coding_follows_the_weights() {
        for (value, best) in [
            ("gzip, deflate, br, zstd", Coding::Brotli),
            ("gzip, br;q=0", Coding::Gzip),
            ("br;q=0.5, gzip", Coding::Gzip),
            ("*", Coding::Brotli),
            ("*;q=0, gzip;q=0.1", Coding::Gzip),
            ("identity", Coding::Identity),
            ("br;q=nonsense", Coding::Identity),
            ("GZIP", Coding::Gzip),
            ("", Coding::Identity),
        ] {
            assert_eq!(accepted(value).best(), best, "{value}");
        }
        assert_eq!(
            Accepted::of_request(&HeaderMap::new()).best(),
            Coding::Identity
        );
    }

    #[test]
    fn every_coding_survives_a_round_trip_at_every_chunk_size() {
        let text: Vec<u8> = (0..40_000u32)
            .flat_map(|n| n.to_string().into_bytes())
            .collect();
        for coding in [Coding::Gzip, Coding::Brotli] {
            for size in [1usize, 7, 4096, text.len()] {
                let mut encoder = Encoder::new(coding, 5).unwrap();
                let mut coded = Vec::new();
                for piece in text.chunks(size.max(100)) {
                    coded.extend(encoder.write(piece));
                }
                coded.extend(encoder.flush());
                coded.extend(encoder.finish());
                assert!(coded.len() < text.len());
                let mut decoder = Decoder::new(coding);
                let mut plain = Vec::new();
                for piece in coded.chunks(size) {
                    plain.extend(decoder.write(piece).unwrap());
                }
                plain.extend(decoder.finish().unwrap());
                assert!(plain == text, "{coding:?} in pieces of {size}");
            }
        }
    }

    #[test]
    fn deflate_is_read_in_both_its_forms() {
        use flate2::write::{DeflateEncoder, ZlibEncoder};
        let text = b"<p>hello hello hello</p>".repeat(20);
        let mut zlib = ZlibEncoder::new(Vec::new(), flate2::Compression::new(6));
        zlib.write_all(&text).unwrap();
        let mut raw = DeflateEncoder::new(Vec::new(), flate2::Compression::new(6));
        raw.write_all(&text).unwrap();
        for coded in [zlib.finish().unwrap(), raw.finish().unwrap()] {
            let mut decoder = Decoder::new(Coding::Deflate);
            let mut plain = Vec::new();
            for byte in coded.chunks(1) {
                plain.extend(decoder.write(byte).unwrap());
            }
            plain.extend(decoder.finish().unwrap());
            assert_eq!(plain, text);
        }
    }

    #[test]
    fn a_flush_makes_everything_so_far_readable() {
        for coding in [Coding::Gzip, Coding::Brotli] {
            let mut encoder = Encoder::new(coding, 5).unwrap();
            let mut coded = encoder.write(b"<head>half a page</head>");
            coded.extend(encoder.flush());
            let plain = Decoder::new(coding).write(&coded).unwrap();
            assert_eq!(plain, b"<head>half a page</head>", "{coding:?}");
        }
    }

    #[test]
    fn a_cut_or_mislabelled_body_is_an_error() {
        for coding in [Coding::Gzip, Coding::Brotli, Coding::Deflate] {
            let mut decoder = Decoder::new(coding);
            let seen = decoder.write(b"<!doctype html><html><head><title>plain</title>");
            assert!(seen.is_err() || decoder.finish().is_err(), "{coding:?}");
        }
        let mut encoder = Encoder::new(Coding::Gzip, 5).unwrap();
        let mut coded = encoder.write(b"whole");
        coded.extend(encoder.finish());
        let mut decoder = Decoder::new(Coding::Gzip);
        decoder.write(&coded[..coded.len() - 4]).unwrap();
        assert!(decoder.finish().is_err());
    }

    #[test]
    fn several_or_unknown_codings_are_not_read() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_ENCODING, value.parse().unwrap());
            Coding::of_response(&headers)
        };
        assert_eq!(of("gzip"), Some(Coding::Gzip));
        assert_eq!(of("identity, br"), Some(Coding::Brotli));
        assert_eq!(of("gzip, gzip"), None);
        assert_eq!(of("zstd"), None);
    }
}
