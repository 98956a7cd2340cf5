//! A static asset.

use crate::answer::Answer;
use crate::context::Context;
use crate::platform::Platform;

pub(crate) async fn respond<P: Platform>(context: &mut Context<P>, body: P::Body) -> Answer<P> {
    super::pass::untouched(context, body, "not-cached").await
}
