//! Taking the fields of a beacon out of a JSON object, one by one.

use super::{Beacon, EffectiveType, Event, Fault, Navigation, Revenue, scrub};
use crate::json::Json;

/// Longest selector, in bytes.
const MAX_SELECTOR: usize = 128;
/// Longest LCP resource path, in bytes.
const MAX_PATH: usize = 256;
/// Most events of one page view.
const MAX_EVENTS: usize = 16;

/// A field that need not be there.
type Field<T> = Result<Option<T>, Fault>;

/// The fields that were not taken yet.
///
/// A wrong type ends the reading with [`Fault::Schema`]. A value outside its limits is noted and reading goes
/// on, so that an error of the schema is always told first.
pub(super) struct Fields {
    fields: Vec<(String, Json)>,
    out_of_range: bool,
}

impl Fields {
    pub(super) fn new(fields: Vec<(String, Json)>) -> Self {
        Self {
            fields,
            out_of_range: false,
        }
    }

    /// Whether a value outside its limits was met.
    pub(super) fn out_of_range(&self) -> bool {
        self.out_of_range
    }

    pub(super) fn beacon(&mut self) -> Result<Beacon, Fault> {
        if required(self.integer("v", 0, 255)?)? != 1 {
            return Err(Fault::Schema);
        }
        let beacon = Beacon {
            token: required(self.text("k", usize::MAX)?)?,
            view: self.view_id()?,
            seq: required(self.integer("q", 0, 15)?)? as u8,
            navigation: required(self.word("n", Navigation::of)?)?,
            age_ms: required(self.integer("t", 0, 86_400_000)?)? as u32,
            lcp_ms: self.milliseconds("lcp", 600_000.0)?,
            fcp_ms: self.milliseconds("fcp", 600_000.0)?,
            ttfb_ms: self.milliseconds("ttfb", 120_000.0)?,
            inp_ms: self.integer("inp", 0, 60_000)?.map(|ms| ms as u32),
            cls_1e4: self
                .number("cls", 100.0)?
                .map(|score| (score * 10_000.0).round() as u32),
            lcp_parts: self.parts("ls", 600_000)?,
            inp_parts: self.parts("is", 60_000)?,
            lcp_target: self.clean("la", MAX_SELECTOR)?,
            inp_target: self.clean("ia", MAX_SELECTOR)?,
            cls_target: self.clean("ca", MAX_SELECTOR)?,
            lcp_path: self.clean("lu", MAX_PATH)?,
            inp_script: self.clean("iv", MAX_SELECTOR)?,
            viewport: self.integer("vw", 0, 16_384)?.map(|px| px as u16),
            device_memory: self.number("dm", 1_024.0)?,
            effective_type: self.word("ect", EffectiveType::of)?,
            save_data: self.flag("sd")?,
            events: self.events()?,
            revenue: self.revenue()?,
            errors: self.integer("er", 0, 65_535)?.map(|n| n as u16),
            automated: self.flag("wd")?,
        };
        if !self.fields.is_empty() {
            // What is left is no field of a beacon.
            return Err(Fault::Schema);
        }
        Ok(beacon)
    }

    fn take(&mut self, key: &str) -> Option<Json> {
        let at = self.fields.iter().position(|(name, _)| name == key)?;
        Some(self.fields.swap_remove(at).1)
    }

    fn within(&mut self, inside: bool) {
        self.out_of_range |= !inside;
    }

    fn number(&mut self, key: &str, most: f64) -> Field<f64> {
        match self.take(key) {
            None => Ok(None),
            Some(Json::Number(value)) => {
                self.within((0.0..=most).contains(&value));
                Ok(Some(value))
            }
            Some(_) => Err(Fault::Schema),
        }
    }

    fn milliseconds(&mut self, key: &str, most: f64) -> Field<u32> {
        Ok(self.number(key, most)?.map(|ms| ms.round() as u32))
    }

    fn integer(&mut self, key: &str, least: i64, most: i64) -> Field<i64> {
        self.take(key)
            .map(|value| self.whole(&value, least, most))
            .transpose()
    }

    fn whole(&mut self, value: &Json, least: i64, most: i64) -> Result<i64, Fault> {
        match value {
            Json::Number(value) if value.fract() == 0.0 => {
                self.within((least as f64..=most as f64).contains(value));
                Ok(*value as i64)
            }
            _ => Err(Fault::Schema),
        }
    }

    fn parts<const N: usize>(&mut self, key: &str, most: i64) -> Field<[u32; N]> {
        let Some(list) = self.list(key)? else {
            return Ok(None);
        };
        let list: [Json; N] = exactly(list)?;
        let mut parts = [0; N];
        for (part, value) in parts.iter_mut().zip(&list) {
            *part = self.whole(value, 0, most)? as u32;
        }
        Ok(Some(parts))
    }

    fn text(&mut self, key: &str, longest: usize) -> Field<String> {
        match self.take(key) {
            None => Ok(None),
            Some(Json::Text(text)) => {
                self.within(text.len() <= longest);
                Ok(Some(text))
            }
            Some(_) => Err(Fault::Schema),
        }
    }

    /// Free text, scrubbed.
    fn clean(&mut self, key: &str, longest: usize) -> Field<String> {
        Ok(self.text(key, longest)?.map(|text| scrub(&text)))
    }

    /// A word out of a closed choice.
    fn word<T>(&mut self, key: &str, of: fn(&str) -> Option<T>) -> Field<T> {
        self.text(key, usize::MAX)?
            .map(|word| of(&word).ok_or(Fault::Schema))
            .transpose()
    }

    fn view_id(&mut self) -> Result<String, Fault> {
        let id = required(self.text("i", 24)?)?;
        let base36 = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
        self.within(id.len() >= 8 && id.bytes().all(base36));
        Ok(id)
    }

    /// `true`, `false`, `1` or `0`; not there is `false`.
    fn flag(&mut self, key: &str) -> Result<bool, Fault> {
        match self.take(key) {
            None => Ok(false),
            Some(Json::Bool(flag)) => Ok(flag),
            Some(value) => Ok(self.whole(&value, 0, 1)? == 1),
        }
    }

    fn list(&mut self, key: &str) -> Field<Vec<Json>> {
        match self.take(key) {
            None => Ok(None),
            Some(Json::List(list)) => Ok(Some(list)),
            Some(_) => Err(Fault::Schema),
        }
    }

    fn events(&mut self) -> Result<Vec<Event>, Fault> {
        let list = self.list("e")?.unwrap_or_default();
        self.within(list.len() <= MAX_EVENTS);
        list.into_iter().map(|item| self.event(item)).collect()
    }

    /// `[name, value or null]`
    fn event(&mut self, item: Json) -> Result<Event, Fault> {
        let Json::List(pair) = item else {
            return Err(Fault::Schema);
        };
        let [Json::Text(name), value] = exactly(pair)? else {
            return Err(Fault::Schema);
        };
        let known = matches!(
            name.as_str(),
            "view_item" | "add_to_cart" | "begin_checkout" | "purchase"
        );
        if !known {
            let own = name.strip_prefix("custom:").ok_or(Fault::Schema)?;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            self.within((1..=24).contains(&own.len()) && own.bytes().all(plain));
        }
        let value = match value {
            Json::Null => None,
            Json::Number(value) => {
                self.within((0.0..=1e10).contains(&value));
                Some(value)
            }
            _ => return Err(Fault::Schema),
        };
        Ok(Event { name, value })
    }

    /// `[minor units, ISO 4217 code, hash of the order]`
    fn revenue(&mut self) -> Field<Revenue> {
        let Some(list) = self.list("rv")? else {
            return Ok(None);
        };
        let [minor, Json::Text(currency), Json::Text(order)] = exactly(list)? else {
            return Err(Fault::Schema);
        };
        let minor = self.whole(&minor, 0, 10_000_000_000)?;
        let letters = currency.bytes().all(|byte| byte.is_ascii_uppercase());
        self.within(currency.len() == 3 && letters);
        let plain = order.bytes().all(|byte| byte.is_ascii_alphanumeric());
        self.within((8..=64).contains(&order.len()) && plain);
        Ok(Some(Revenue {
            minor,
            currency,
            order,
        }))
    }
}

fn required<T>(field: Option<T>) -> Result<T, Fault> {
    field.ok_or(Fault::Schema)
}

fn exactly<const N: usize>(list: Vec<Json>) -> Result<[Json; N], Fault> {
    list.try_into().map_err(|_| Fault::Schema)
}
