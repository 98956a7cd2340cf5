//! Nothing is done: everything off, or a request that nothing may touch.

use crate::answer::Answer;
use crate::context::Context;
use crate::platform::{Payload, Platform};
use crate::problem;

/// Everything is off: the origin's answer, with conditional headers, ranges and encodings as they are.
pub(crate) async fn respond<P: Platform>(
    context: &mut Context<P>,
    payload: Payload<P::Body>,
) -> Answer<P> {
    let reason = context.off.unwrap_or("off");
    context.entry.route = "off";
    forward(context, payload, reason).await
}

/// A sacred path, or a method that changes something.
pub(crate) async fn untouched<P: Platform>(
    context: &mut Context<P>,
    payload: Payload<P::Body>,
    reason: &str,
) -> Answer<P> {
    forward(context, payload, reason).await
}

async fn forward<P: Platform>(
    context: &mut Context<P>,
    payload: Payload<P::Body>,
    reason: &str,
) -> Answer<P> {
    let headers = context.headers_for_origin(class(context));
    match context.fetch(headers, payload).await {
        Ok((mut response, _)) => {
            if context.off.is_none() {
                super::prefetch::drop_what_is_out_of_date(context, &mut response);
            }
            context.pass(response, reason)
        }
        Err(error) => problem::unreachable(&context.client, &error),
    }
}

/// The adapter answers a person with a page and a program with a problem.
fn class<P: Platform>(context: &Context<P>) -> &'static str {
    let accept = context
        .client
        .get(http::header::ACCEPT)
        .and_then(|v| v.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/html")) {
        "page"
    } else {
        "other"
    }
}
