//! HTML: the one place that touches `lol_html`, the registry of passes, and the passes.

pub mod passes;
