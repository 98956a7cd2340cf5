//! The Spin door of `vitrine-edge`: translates between WASI HTTP 0.3 and the library, and decides nothing.
#![cfg(target_arch = "wasm32")]

mod body;
mod platform;

use std::cell::RefCell;
use std::rc::Rc;

use vitrine_edge::{Answer, AnswerBody, App, Secrets, Visitor};
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::http_compat::http_from_wasi_request;
use wasip3::{wit_bindgen, wit_future, wit_stream};

use crate::body::Incoming;
use crate::platform::Spin;

struct Door;

wasip3::http::service::export!(Door);

impl wasip3::exports::http::handler::Guest for Door {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let app = app().await;
        let (mut parts, body) = http_from_wasi_request(request)?.into_parts();
        let visitor = visitor(&parts);
        parts.extensions.insert(visitor);
        let request = http::Request::from_parts(parts, Incoming::Request(body));
        let answer = app.handle(&Spin, request).await;
        respond(answer)
    }
}

/// The app of the current variables. An instance serves many requests, and the variables change rarely:
/// the app is built anew only when one of them did.
async fn app() -> Rc<App> {
    type Cached = (String, Secrets, Rc<App>);
    thread_local!(static APP: RefCell<Option<Cached>> = const { RefCell::new(None) });
    let policy = variable("policy").await;
    let secrets = Secrets {
        rum_key: variable("rum_key").await,
        operator_token: variable("operator_token").await,
        image_key: variable("image_key").await,
        image_key_previous: variable("image_key_previous").await,
    };
    APP.with_borrow_mut(|cached| {
        if let Some((text, known, app)) = cached
            && *text == policy
            && *known == secrets
        {
            return Rc::clone(app);
        }
        let app = App::load(&policy, secrets.clone());
        *cached = Some((policy, secrets, Rc::clone(&app)));
        app
    })
}

/// A variable; one that cannot be read counts as empty, which leaves the secrets closed, and the policy
/// unreadable, which switches everything off.
async fn variable(name: &str) -> String {
    spin_sdk::variables::get(name).await.unwrap_or_default()
}

/// Who is asking, from the headers that Spin adds and a client cannot.
fn visitor(parts: &http::request::Parts) -> Visitor {
    let header = |name: &str| parts.headers.get(name)?.to_str().ok();
    let full_url: Option<http::Uri> = header("spin-full-url").and_then(|url| url.parse().ok());
    let url = full_url.as_ref().unwrap_or(&parts.uri);
    Visitor {
        addr: header("spin-client-addr")
            .and_then(|addr| addr.parse::<std::net::SocketAddr>().ok())
            .map(|addr| addr.ip().to_string()),
        secure: url.scheme_str() == Some("https"),
        host: header("host")
            .map(str::to_owned)
            .or_else(|| url.authority().map(ToString::to_string)),
    }
}

/// Sends the head, and leaves the body to a task that goes on after the head is out.
fn respond(answer: Answer<Spin>) -> Result<Response, ErrorCode> {
    let (parts, body) = answer.into_parts();
    let headers = Fields::try_from(parts.headers)
        .map_err(|error| ErrorCode::InternalError(Some(error.to_string())))?;
    let response = match body {
        AnswerBody::Empty => {
            let (_, end) = wit_future::new(|| Ok(None));
            Response::new(headers, None, end).0
        }
        AnswerBody::Passed(mut upstream) => match upstream.take_response() {
            // Spliced by the host: the bytes never enter this component.
            Some(upstream) => {
                let (_, received) = wit_future::new(|| Ok(()));
                let (stream, trailers) = Response::consume_body(upstream, received);
                Response::new(headers, Some(stream), trailers).0
            }
            None => pump(headers, AnswerBody::Passed(upstream)),
        },
        body => pump(headers, body),
    };
    let _ = response.set_status_code(parts.status.as_u16());
    Ok(response)
}

fn pump(headers: Fields, mut body: AnswerBody<Spin>) -> Response {
    let (mut sink, stream) = wit_stream::new();
    let (result, end) = wit_future::new(|| {
        Err(ErrorCode::InternalError(Some(
            "the body was dropped".into(),
        )))
    });
    wit_bindgen::spawn(async move {
        let outcome = loop {
            match body.chunk().await {
                Ok(Some(piece)) => {
                    if !sink.write_all(piece.into()).await.is_empty() {
                        // The visitor has gone; dropping the body says so upstream and in the ledger.
                        return;
                    }
                }
                Ok(None) => break Ok(None),
                Err(error) => break Err(ErrorCode::InternalError(Some(error.to_string()))),
            }
        };
        drop(sink);
        let _ = result.write(outcome).await;
    });
    Response::new(headers, Some(stream), end).0
}
