//! The whole hostile set through the component in its host: no trap reaches a shopper, because there is none. Hazard H72.
use std::time::Instant;

use bytes::Bytes;
use http::Request;

use super::{Host, hostile_set};

#[test]
fn h72_no_file_of_the_hostile_set_makes_the_component_trap() {
    let host = Host::shared();
    let begun = Instant::now();
    let files = hostile_set::files();
    let mut smaller = 0;
    for file in &files {
        let request = Request::post("/encode")
            .header("x-vitrine-effort", "first")
            .header("x-vitrine-to", "avif")
            .header("x-vitrine-width", "32")
            .body(Bytes::from(file.bytes.clone()))
            .unwrap();
        let (status, _, body) = host.ask(&request);
        let name = format!("{}: {}", file.kind, file.name);
        assert!(matches!(status, 200 | 204), "{name}: {status}");
        assert_eq!(status == 200, !body.is_empty(), "{name}");
        smaller += usize::from(status == 200);
    }
    println!(
        "{} files, {smaller} smaller, in {:.1?}",
        files.len(),
        begun.elapsed()
    );
    assert!(smaller > 20 && smaller < files.len());
    assert!(host.count("vitrine_instances_started_total") > 0);
    assert_eq!(host.count("vitrine_traps_total"), 0);
}
