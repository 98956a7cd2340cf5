//! How each commerce backend speaks: origin fetches with deadlines, retry and breaker; the cart API.
//!
//! All origin traffic passes through an [`Adapter`]. It names no host: a door implements
//! [`platform::Platform`] by translation, hands requests to [`Adapter::handle`] and sends back what comes.
//!
//! * [`platform`]: what the adapter needs from a host;
//! * `pages`: a request to the shop and its own answer, or an error page in its place (`down`);
//! * `fetch`: one origin request, with `breaker` and `retry`;
//! * `fonts`: Google's fonts, for the edge alone;
//! * `cart`: `/_v/cart`, the same for every shop; `money`: amounts in minor units;
//! * `shops`: one file for each kind of shop; adding one is that file and a line in `shops.rs`;
//! * [`settings`]: `[origin]` of `vitrine.toml`.

mod adapter;
mod breaker;
mod cart;
mod down;
mod fetch;
mod fonts;
mod headers;
mod money;
mod operator;
mod pages;
pub mod platform;
mod problem;
mod retry;
pub mod settings;
mod shops;

pub use adapter::{Adapter, SettingsError, Visitor};
