//! The Spin door of `vitrine-edge`.
#![cfg(target_arch = "wasm32")]
