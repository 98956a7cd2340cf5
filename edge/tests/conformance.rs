//! Runs the conformance cases on a platform without a host. The same files run over HTTP through the doors.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says what went wrong by failing there"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Response};
use vitrine_edge::testing::conformance::{Case, Received, Sent, Wire, headers, judge_headers};
use vitrine_edge::testing::{Fake, FakeBody, Gate, Step, poll_once};
use vitrine_edge::{App, Secrets};

fn cases() -> (Vec<Case>, BTreeMap<String, serde_json::Value>) {
    Case::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance")).unwrap()
}

#[test]
fn every_case_holds_on_a_platform_without_a_host() {
    let (cases, policies) = cases();
    let mut failures = Vec::new();
    for case in &cases {
        if let Err(error) = play(case, &policies[&case.policy].to_string()) {
            failures.push(format!("{} ({}): {error}", case.name, case.what));
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} cases:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
    assert!(cases.len() >= 20, "only {} cases were found", cases.len());
}

#[test]
fn every_policy_is_used_and_every_case_says_what_it_shows() {
    let (cases, policies) = cases();
    for name in policies.keys() {
        assert!(
            cases.iter().any(|case| case.policy == *name),
            "no case runs under `{name}`"
        );
    }
    for case in &cases {
        assert!(case.what.len() > 15, "{}", case.name);
        assert!(!case.steps.is_empty(), "{}", case.name);
    }
}

fn play(case: &Case, policy: &str) -> Result<(), String> {
    let gate = Rc::new(RefCell::new(Gate::default()));
    let app = App::load(
        policy,
        Secrets {
            rum_key: "key".into(),
            operator_token: "token".into(),
            ..Secrets::default()
        },
    );
    let fake = origin(case, &gate);
    for (at, step) in case.steps.iter().enumerate() {
        let failed = |error: String| format!("step {}: {error}", at + 1);
        fake.pass_ms(step.wait_ms);
        *gate.borrow_mut() = Gate::default();
        let received = send(&fake, &app, case, &step.request, &gate).map_err(failed)?;
        step.answer.judge(&received).map_err(failed)?;
        let seen = fake.seen();
        if let Some(asked) = step.asked
            && seen.len() != asked
        {
            return Err(failed(format!(
                "the origin was asked {} times instead of {asked}",
                seen.len()
            )));
        }
        if !step.forwarded.is_empty() {
            let last = seen
                .last()
                .ok_or_else(|| failed("the origin was not asked".into()))?;
            let wrong = judge_headers(&step.forwarded, &last.headers);
            if !wrong.is_empty() {
                return Err(failed(format!("forwarded {}", wrong.join("; "))));
            }
        }
    }
    Ok(())
}

fn origin(case: &Case, gate: &Rc<RefCell<Gate>>) -> Fake {
    let (case, gate) = (case.clone(), Rc::clone(gate));
    let mut asked: BTreeMap<String, usize> = BTreeMap::new();
    Fake::new(move |seen| {
        let nth = asked.entry(seen.uri.to_string()).or_default();
        let scripted = case
            .origin(&seen.uri.to_string(), *nth)
            .unwrap_or_else(|| panic!("{} asked for {}", case.name, seen.uri));
        *nth += 1;
        let steps = scripted.pieces().into_iter().map(|piece| match piece {
            Wire::Bytes(bytes) => Step::Piece(Bytes::from(bytes)),
            Wire::Delay(_) => Step::Wait(gate.borrow().clone()),
            Wire::Break => Step::Break,
        });
        let body = if seen.method == http::Method::HEAD {
            FakeBody::default()
        } else {
            FakeBody::of(steps)
        };
        let mut response = Response::new(body);
        *response.status_mut() = scripted.status.try_into().unwrap();
        *response.headers_mut() = headers(&scripted.headers).unwrap();
        Ok(response)
    })
}

fn send(
    fake: &Fake,
    app: &Rc<App>,
    case: &Case,
    sent: &Sent,
    gate: &Rc<RefCell<Gate>>,
) -> Result<Received, String> {
    let mut request = Request::new(FakeBody::from(sent.body.as_str()));
    *request.method_mut() = sent.method.parse().map_err(|_| "no such method")?;
    *request.uri_mut() = case
        .path(&sent.path)
        .parse()
        .map_err(|error| format!("{}: {error}", sent.path))?;
    *request.headers_mut() = headers(&sent.headers)?;
    if !sent.body.is_empty() {
        request
            .headers_mut()
            .insert("content-length", sent.body.len().into());
    }
    let (parts, mut body) = fake.begin(app, request).into_parts();
    let mut received = Received {
        status: parts.status.as_u16(),
        headers: parts.headers,
        ..Received::default()
    };
    // What can be had while the origin pauses, and then the rest.
    for paused in [true, false] {
        loop {
            let mut next = std::pin::pin!(body.chunk());
            match poll_once(&mut next) {
                Poll::Ready(Ok(Some(piece))) => received.body.extend_from_slice(&piece),
                Poll::Ready(Err(_)) => {
                    received.broken = true;
                    break;
                }
                Poll::Ready(Ok(None)) | Poll::Pending => break,
            }
        }
        if paused {
            received.early = received.body.len();
            gate.borrow().open();
        }
    }
    drop(body);
    fake.settle();
    Ok(received)
}
