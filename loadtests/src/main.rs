//! The demo shop and the load lab.
fn main() {}
