//! Beacons in; validation, storage, statistics and reports out.

pub mod script;
pub mod settings;
pub mod token;
