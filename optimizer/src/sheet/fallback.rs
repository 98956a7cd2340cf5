use crate::Skip;
pub(super) fn add(_source: &str) -> Result<Option<String>, Skip> {
    Ok(None)
}
