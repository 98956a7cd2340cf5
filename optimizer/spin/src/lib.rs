//! The Spin door of `vitrine-optimizer`.
#![cfg(target_arch = "wasm32")]
