//! The journey of a request, on one screen.

use std::rc::Rc;

use http::{Request, StatusCode};

use crate::answer::Answer;
use crate::config::{Enabled, Policy};
use crate::context::Context;
use crate::html::passes::{CONTRACTS, Contract};
use crate::learned::Memory;
use crate::operator::Secrets;
use crate::platform::{Payload, Platform};
use crate::route::Route;
use crate::{headers, own, problem, routes, svg};

/// Everything that requests share: the policy and the secrets. Built once per version of either.
#[derive(Debug)]
pub struct App {
    pub(crate) policy: Policy,
    pub(crate) secrets: Secrets,
    /// Why the policy could not be read; then nothing is done to any request.
    pub(crate) fault: Option<String>,
    /// What this instance has read of the durable store.
    pub(crate) memory: Memory,
    /// What passes may do to pages, for the second parser.
    pub(crate) contracts: &'static [(&'static str, Contract)],
}

impl App {
    /// An app that follows a policy.
    pub fn new(policy: Policy, secrets: Secrets) -> Rc<Self> {
        Rc::new(Self {
            policy,
            secrets,
            fault: None,
            memory: Memory::default(),
            contracts: CONTRACTS,
        })
    }

    /// An app whose second parser goes by contracts of one's own: wrong ones, in a test.
    #[cfg(any(test, feature = "testing"))]
    pub fn with_contracts(
        policy: Policy,
        secrets: Secrets,
        contracts: &'static [(&'static str, Contract)],
    ) -> Rc<Self> {
        Rc::new(Self {
            policy,
            secrets,
            fault: None,
            memory: Memory::default(),
            contracts,
        })
    }

    /// An app from the text of the variable `policy`. A text that is no policy switches everything off:
    /// the shop goes on as if Vitrine were not there, and every ledger line says why (H106).
    pub fn load(policy: &str, secrets: Secrets) -> Rc<Self> {
        match read(policy) {
            Ok(policy) => Self::new(policy, secrets),
            Err(error) => Rc::new(Self {
                policy: Policy {
                    enabled: Enabled(false),
                    ..Policy::default()
                },
                secrets,
                fault: Some(format!("the policy cannot be read: {error}")),
                memory: Memory::default(),
                contracts: CONTRACTS,
            }),
        }
    }

    /// Answers one request.
    ///
    /// The order of the lines is the order of events. Everything that must happen on every request happens
    /// here and nowhere else.
    pub async fn handle<P: Platform>(
        self: &Rc<Self>,
        platform: &P,
        request: Request<P::Body>,
    ) -> Answer<P> {
        let (mut context, payload) = Context::open(self, platform, request);
        let answer = match context.route() {
            _ if headers::is_loop(&context.client) => problem::json(
                StatusCode::LOOP_DETECTED,
                "the request has passed through here before",
            ),
            Route::Operator => routes::operator::respond(&mut context, payload).await,
            route => journey(&mut context, route, payload).await,
        };
        context.close(answer)
    }
}

/// A policy is an object. Read directly, a sequence would count as a struct too, and `[]` as every default.
fn read(policy: &str) -> serde_json::Result<Policy> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(policy)?;
    serde_json::from_value(object.into())
}

/// Takes a request along its journey.
pub(crate) async fn journey<P: Platform>(
    context: &mut Context<P>,
    route: Route,
    payload: Payload<P::Body>,
) -> Answer<P> {
    match route {
        Route::Reserved | Route::Operator => own::respond(context),
        Route::Fonts => routes::fonts::respond(context).await,
        Route::Sized => routes::image::at_width(context, payload).await,
        _ if context.off.is_some() => routes::pass::respond(context, payload).await,
        _ if routes::prefetch::is_meant(context, route) => {
            routes::prefetch::respond(context, route).await
        }
        Route::Pass(reason) => routes::pass::untouched(context, payload, reason).await,
        _ if context.app.policy.leaves_alone(route) => {
            routes::pass::untouched(context, payload, "switched-off").await
        }
        route => {
            let mut answer = match route {
                Route::Page => routes::page::respond(context, payload).await,
                Route::Image => routes::image::respond(context, payload).await,
                _ => routes::asset::respond(context, payload).await,
            };
            if context.app.policy.images.guard_svg
                && svg::guard(&context.client, answer.headers_mut())
            {
                context.summary.push("svg-guarded".into());
            }
            answer
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_is_no_object_switches_everything_off_and_says_why() {
        for text in [
            "",
            "[]",
            "[[]]",
            "null",
            "true",
            "\"{}\"",
            "{",
            "{\"enbled\":true}",
        ] {
            let app = App::load(text, Secrets::default());
            assert!(!app.policy.enabled.0, "{text:?}");
            let fault = app.fault.as_deref().unwrap_or_default();
            assert!(
                fault.starts_with("the policy cannot be read: "),
                "{text:?}: {fault}"
            );
        }
    }

    #[test]
    fn an_empty_object_is_every_default() {
        let app = App::load("{}", Secrets::default());
        assert_eq!(app.policy, Policy::default());
        assert_eq!(app.fault, None);
    }
}
