//! One story a file.

pub(crate) mod asset;
pub(crate) mod fonts;
pub(crate) mod image;
pub(crate) mod operator;
pub(crate) mod page;
pub(crate) mod pass;
pub(crate) mod prefetch;
pub(crate) mod sheet;
pub(crate) mod stored;
