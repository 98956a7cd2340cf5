//! Explain.
use http::StatusCode;

use crate::answer::Answer;
use crate::context::Context;
use crate::platform::Platform;
use crate::problem;

pub(crate) async fn respond<P: Platform>(_context: &mut Context<P>) -> Answer<P> {
    problem::json(StatusCode::NOT_FOUND, "closed")
}
