//! Beacons in; validation, storage, statistics and reports out.

pub mod settings;
pub mod token;
