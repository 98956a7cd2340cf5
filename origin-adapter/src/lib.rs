//! How each commerce backend speaks: origin fetches with deadlines, retry and breaker; the cart API.

pub mod settings;
