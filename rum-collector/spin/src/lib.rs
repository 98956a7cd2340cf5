//! The Spin door of `vitrine-rum-collector`.
#![cfg(target_arch = "wasm32")]
