//! JSON as the collector accepts it: bounded depth, no key twice, nothing that is not Unicode text.
//!
//! `serde_json` alone keeps the last of two equal keys and nests 128 deep; a beacon that relies on either was
//! not sent by our script.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};

/// Deepest nesting accepted; the deepest beacon is three deep (object, events, event).
const MAX_DEPTH: u8 = 4;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Reads one JSON text that fills all of `bytes`. `None` when it is not one, or not one that is accepted.
pub(crate) fn read(bytes: &[u8]) -> Option<Json> {
    // Checked first: serde_json checks strings one by one, and only those that it keeps.
    let text = std::str::from_utf8(bytes).ok()?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Nested(0).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(value)
}

/// A value at a depth.
#[derive(Clone, Copy)]
struct Nested(u8);

impl Nested {
    fn inside<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.0 == MAX_DEPTH {
            return Err(E::custom("nested too deep"));
        }
        Ok(Self(self.0 + 1))
    }
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Json;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let inside = self.inside()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inside)? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let inside = self.inside()?;
        let mut object: Vec<(String, Json)> = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            // Quadratic, over at most 8 KiB: about a thousand keys.
            if object.iter().any(|(known, _)| *known == key) {
                return Err(A::Error::custom("a key occurs twice"));
            }
            let value = entries.next_value_seed(inside)?;
            object.push((key, value));
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_one_json_text_is_refused() {
        let deep = "[".repeat(10_000);
        for text in [
            "",
            " ",
            "{",
            "{} {}",
            "nul",
            "NaN",
            "{\"a\":NaN}",
            "{\"a\":Infinity}",
            "{\"a\":1e999}",
            "{\"a\":1,}",
            "{\"a\":1,\"a\":1}",
            "{\"a\":{\"b\":1,\"b\":2}}",
            "\u{feff}{}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":\"\\udc00x\"}",
            "{\"\\ud800\":1}",
            "{\"a\":01}",
            "[[[[[1]]]]]",
            "{'a':1}",
            deep.as_str(),
        ] {
            assert_eq!(
                read(text.as_bytes()),
                None,
                "{}",
                &text[..text.len().min(40)]
            );
        }
        assert_eq!(read(b"{\"a\":\"\xff\"}"), None);
        assert_eq!(read(b"{\"a\":\"\x00\"}"), None);
    }

    #[test]
    fn four_deep_is_accepted_and_the_order_kept() {
        assert!(read(b"[[[[1]]]]").is_some());
        assert_eq!(
            read(br#"{"b":-0.0,"a":[true,null,"x"]}"#),
            Some(Json::Object(vec![
                ("b".into(), Json::Number(0.0)),
                (
                    "a".into(),
                    Json::List(vec![Json::Bool(true), Json::Null, Json::Text("x".into())])
                ),
            ]))
        );
    }
}
