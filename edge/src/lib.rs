//! From request to response: routing, HTML rewriting, caching, and the one port to a host.
//!
//! This crate names no host. A door (`edge/spin`, `edge/fastly`) implements [`platform::Platform`], hands
//! each request to [`App::handle`], and pumps the body of the [`Answer`] to the visitor; it decides nothing.
//!
//! - [`app`]: the journey of a request, on one screen; [`route`] chooses it, `routes/` tells each story.
//! - [`html`]: the rewriter and the registry of passes.
//! - [`audit`]: the second parser, which holds a rewritten page against what it was.
//! - [`headers`], [`encoding`]: what is done to heads and to bodies.
//! - [`experiment`], [`ledger`]: which arm a visitor is in, and what happened on a request.
//! - [`config`]: what the merchant wrote, and what the edge makes of it.

mod answer;
pub mod app;
pub mod audit;
pub mod cache;
pub mod config;
mod context;
pub mod encoding;
pub mod experiment;
mod fallback_fonts;
pub mod headers;
pub mod html;
mod learned;
pub mod ledger;
mod operator;
mod own;
mod payment;
pub mod platform;
mod preloads;
mod problem;
pub mod route;
mod routes;
mod sized;
mod speculation;
mod svg;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use answer::{Answer, AnswerBody, Pipe};
pub use app::App;
pub use headers::Visitor;
pub use operator::Secrets;
pub use sized::{Refusal as ImageRefusal, address as image_address};
