//! The Fastly Compute door: one module with all four components inside.
//!
//! Where Spin chains components over HTTP, this module calls the same libraries as functions. It translates
//! between the host and the libraries, and decides nothing. What this host lacks beside Spin is listed in
//! `docs/hosts.md`.
#![cfg_attr(
    not(target_arch = "wasm32"),
    allow(unused, reason = "the door exists only as wasm")
)]
#![allow(
    clippy::disallowed_methods,
    reason = "a door answers the port from its host"
)]

#[cfg(target_arch = "wasm32")]
mod adapter;
#[cfg(target_arch = "wasm32")]
mod body;
#[cfg(target_arch = "wasm32")]
mod collector;
#[cfg(target_arch = "wasm32")]
mod door;
#[cfg(target_arch = "wasm32")]
mod platform;
#[cfg(target_arch = "wasm32")]
mod runtime;
#[cfg(target_arch = "wasm32")]
mod settings;
#[cfg(target_arch = "wasm32")]
mod siblings;
#[cfg(target_arch = "wasm32")]
mod state;

#[cfg(target_arch = "wasm32")]
fn main() {
    door::serve(fastly::Request::from_client());
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("this is a Fastly Compute module: build it for wasm32-wasip1");
}
