//! One file a verb.

pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod hints;
pub(crate) mod images;
mod operator;
pub(crate) mod report;
pub(crate) mod up;
