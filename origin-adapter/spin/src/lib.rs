//! The Spin door of `vitrine-origin-adapter`.
#![cfg(target_arch = "wasm32")]
