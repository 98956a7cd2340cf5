//! The ledger's reasons, for people.

/// What a word of the ledger means: "left alone, because {meaning}".
pub(super) fn meaning(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "disabled" => {
            "everything is switched off (`enabled = false`, or a policy that cannot be read)"
        }
        "operator" => "an operator switched everything off for this request",
        "payment" => "the page takes payments, by what is on it",
        "first-view" => {
            "it is the first page of its kind: it passes untouched while it is looked at, lest it take payments"
        }
        "sacred" => "the path is sacred: cart, checkout, account and what `[sacred]` names",
        "method" => "the method may change something",
        "status" => "only answers with status 200 are rewritten",
        "type" => "the answer is no HTML page",
        "no-transform" => "the shop forbids changes (`Cache-Control: no-transform`)",
        "attachment" => "the answer is a download",
        "encoding" => "its content coding is none that is read here",
        "mislabelled-encoding" => "its body is not what its label says",
        "fragment" | "not-a-navigation" => "a script asks for it, not a visitor who opens a page",
        "nothing-to-do" => "no pass applies and nothing is left to compress",
        "origin-down" => "the shop does not answer",
        "origin-error" => "the shop answered with an error",
        "no-freshness" => "the shop does not say how long it may be kept",
        "private" => "the shop says that it is for one visitor only",
        "set-cookie" => "it sets a cookie",
        "google-unreachable" | "google-failed" | "too-large" | "broke-off" | "not-whole"
        | "not-understood" => "Google's font could not be had or read, and browsers are sent on",
        "switched-off" => "this is switched off in the policy",
        _ => return None,
    })
}
