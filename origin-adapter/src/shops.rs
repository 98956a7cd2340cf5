//! The kinds of shop. Each is one file, and one line in [`open`].

mod generic;

use crate::adapter::SettingsError;
use crate::settings::{Kind, Settings};

/// A kind of shop.
pub(crate) trait Shop {
    /// Its name in settings, logs and errors.
    fn name(&self) -> &'static str;

    /// Its cart, where Vitrine can speak to it.
    fn cart(&self) -> Option<&dyn CartShop> {
        None
    }
}
pub(crate) trait CartShop {}

/// Opens the shop that the settings name.
pub(crate) fn open(settings: &Settings) -> Result<Box<dyn Shop>, SettingsError> {
    Ok(match settings.shop {
        _ => Box::new(generic::Generic),
    })
}
