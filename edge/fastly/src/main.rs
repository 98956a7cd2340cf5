//! The Fastly door.
fn main() {}
