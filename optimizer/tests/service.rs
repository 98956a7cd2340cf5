//! The HTTP contract with `edge`.
#![allow(clippy::unwrap_used, reason = "helpers of tests stop the test")]

mod common;

use bytes::Bytes;
use common::photo_jpeg;
use http::{Request, Response, StatusCode};
use vitrine_optimizer::respond;

fn post(headers: &[(&str, &str)], body: Vec<u8>) -> Response<Bytes> {
    let request = headers.iter().fold(
        Request::post("http://optimizer.spin.internal/encode"),
        |request, (name, value)| request.header(*name, *value),
    );
    respond(&request.body(body.into()).unwrap())
}

fn header<'r>(response: &'r Response<Bytes>, name: &str) -> &'r str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[test]
fn a_photograph_is_answered_with_a_smaller_file_its_type_and_its_recipe() {
    let source = photo_jpeg(160, 120);
    let headers = [
        ("content-type", "image/jpeg"),
        ("x-vitrine-to", "avif"),
        ("x-vitrine-quality", "60"),
    ];
    let response = post(&headers, source.clone());
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "content-type"), "image/avif");
    let recipe = header(&response, "x-vitrine-recipe");
    let engine = if vitrine_codecs::LINKED {
        "libaom-"
    } else {
        "rav1e-"
    };
    assert!(recipe.starts_with(engine), "{recipe}");
    assert!(response.body().len() < source.len());
    assert_eq!(&response.body()[4..12], b"ftypavif");
}

#[test]
fn a_crop_is_of_the_shape_that_was_asked_for() {
    let headers = [
        ("x-vitrine-to", "same"),
        ("x-vitrine-width", "60"),
        ("x-vitrine-crop", "4x5@50-30"),
    ];
    let response = post(&headers, photo_jpeg(160, 120));
    let picture = image::load_from_memory(response.body()).unwrap();
    assert_eq!((picture.width(), picture.height()), (60, 75));
}

#[test]
fn the_media_type_of_the_request_is_not_believed() {
    let headers = [
        ("content-type", "image/png"),
        ("x-vitrine-to", "same"),
        ("x-vitrine-effort", "first"),
    ];
    assert_eq!(
        header(&post(&headers, photo_jpeg(160, 120)), "content-type"),
        "image/jpeg"
    );
}

#[test]
fn h72_a_page_with_an_image_type_is_answered_204_and_the_reason() {
    let page = b"<!doctype html><title>Not found</title>".repeat(200);
    let response = post(
        &[("content-type", "image/jpeg"), ("x-vitrine-to", "avif")],
        page,
    );
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(header(&response, "x-vitrine-skip"), "unsupported");
    assert!(response.body().is_empty());
}

#[test]
fn a_request_that_does_not_say_what_it_wants_is_a_problem_of_the_caller() {
    let bad: [&[(&str, &str)]; 7] = [
        &[],
        &[("x-vitrine-to", "jxl")],
        &[("x-vitrine-to", "avif"), ("x-vitrine-quality", "0")],
        &[("x-vitrine-to", "avif"), ("x-vitrine-quality", "101")],
        &[("x-vitrine-to", "avif"), ("x-vitrine-quality", "high")],
        &[("x-vitrine-to", "avif"), ("x-vitrine-effort", "some")],
        &[("x-vitrine-to", "avif"), ("x-vitrine-crop", "4x5")],
    ];
    for headers in bad {
        let response = post(headers, photo_jpeg(160, 120));
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{headers:?}");
        assert_eq!(
            header(&response, "content-type"),
            "application/problem+json"
        );
        let problem: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(problem["status"], 400);
    }
}

#[test]
fn anything_but_post_encode_is_not_found() {
    for request in [
        Request::get("/encode"),
        Request::post("/"),
        Request::put("/encode"),
        Request::post("/encode/x"),
    ] {
        let response = respond(
            &request
                .header("x-vitrine-to", "avif")
                .body(Bytes::new())
                .unwrap(),
        );
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(
            header(&response, "content-type"),
            "application/problem+json"
        );
    }
}
