//! Better bytes: image decoding, transcoding, and the rules for when it pays.
