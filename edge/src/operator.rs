//! What only an operator may do: the token, and the switch for a single request.

use http::{HeaderMap, Uri};
use sha2::{Digest, Sha256};

/// Secrets of the edge. Their values appear in no log and no answer.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    /// Signs page tokens. Empty: no page gets one, so nobody is measured.
    pub rum_key: String,
    /// Opens `/_v/explain` and `?_v=off`. Empty: both are closed.
    pub operator_token: String,
    /// Signs addresses of images. Empty: they need no signature.
    pub image_key: String,
    /// The image key before the last rotation: what it signed is still believed.
    pub image_key_previous: String,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets([redacted])")
    }
}

impl Secrets {
    /// The keys that addresses of images may be signed with. None: they need no signature.
    pub(crate) fn image_keys(&self) -> Vec<&str> {
        let live = [&self.image_key, &self.image_key_previous].into_iter();
        let is_on = !self.image_key.is_empty();
        let live = live.filter(|key| is_on && !key.is_empty());
        live.map(String::as_str).collect()
    }

    /// Whether an operator token is set, and this is it.
    pub(crate) fn is_operator(&self, presented: &str) -> bool {
        !self.operator_token.is_empty() && equal(presented, &self.operator_token)
    }
}

/// Compares digests, so that the time taken says nothing about where two texts differ.
fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (Sha256::digest(a), Sha256::digest(b));
    a.iter()
        .zip(b.iter())
        .fold(0, |difference, (a, b)| difference | (a ^ b))
        == 0
}

/// The request's address without the operator's parameters, if an operator switched everything off for
/// it: `?_v=off&_vt=<token>`, or the header `X-Vitrine-Off: <token>`. Without a valid token nothing
/// happens and nothing is removed.
pub(crate) fn off_for_this_request(
    secrets: &Secrets,
    uri: &Uri,
    headers: &HeaderMap,
) -> Option<Uri> {
    let by_header = headers
        .get("x-vitrine-off")
        .and_then(|value| value.to_str().ok())
        .is_some_and(|token| secrets.is_operator(token));
    let query = uri.query().unwrap_or_default();
    let (ours, theirs): (Vec<&str>, Vec<&str>) = query.split('&').partition(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        name == "_v" || name == "_vt"
    });
    let token = ours.iter().find_map(|pair| pair.strip_prefix("_vt="));
    let by_query =
        ours.contains(&"_v=off") && token.is_some_and(|token| secrets.is_operator(token));
    if by_query {
        let query = theirs.join("&");
        let separator = if query.is_empty() { "" } else { "?" };
        return format!("{}{separator}{query}", uri.path()).parse().ok();
    }
    by_header.then(|| uri.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets {
            rum_key: "k".into(),
            operator_token: "open sesame".replace(' ', "-"),
            ..Secrets::default()
        }
    }

    fn off(uri: &str, secrets: &Secrets) -> Option<String> {
        off_for_this_request(secrets, &uri.parse().unwrap(), &HeaderMap::new())
            .map(|u| u.to_string())
    }

    #[test]
    fn a_request_is_switched_off_only_with_the_token_and_the_origin_never_sees_it() {
        let token = "/p/7?x=1&_v=off&_vt=open-sesame&y=2";
        assert_eq!(off(token, &secrets()), Some("/p/7?x=1&y=2".into()));
        assert_eq!(
            off("/p/7?_v=off&_vt=open-sesame", &secrets()),
            Some("/p/7".into())
        );
        assert_eq!(off("/p/7?_v=off&_vt=wrong", &secrets()), None);
        assert_eq!(off("/p/7?_v=off", &secrets()), None);
        assert_eq!(off("/p/7?_v=off&_vt=", &Secrets::default()), None);
    }

    #[test]
    fn secrets_do_not_show() {
        assert!(!format!("{:?}", secrets()).contains("sesame"));
    }
}
