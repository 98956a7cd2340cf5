//! Style sheets and scripts of the weight that real shops carry: a framework's worth of rules, mostly unused.

use std::fmt::Write as _;

use super::noise::scramble;

/// Hand-written rules that the pages really use.
const BASE: &str = include_str!("files/base.css");
/// The shop's own script, which insists on its place in the order.
const SHOP_JS: &str = include_str!("files/shop.js");

/// Size of the style sheet inlined in every page, in bytes.
const INLINE_BYTES: usize = 100_000;
/// Size of the external style sheet, in bytes.
const THEME_BYTES: usize = 64_000;
/// Size of the shop's own script, in bytes.
const SHOP_JS_BYTES: usize = 90_000;

/// What is inlined in the head of every page.
pub(crate) fn inline_css() -> String {
    let mut css = String::from(BASE);
    utilities(&mut css, "u", INLINE_BYTES);
    css
}

/// `/assets/theme.css`.
pub(crate) fn theme_css() -> String {
    let mut css = String::from("@charset \"utf-8\";\n.site-foot a{text-decoration:underline}\n");
    utilities(&mut css, "t", THEME_BYTES);
    css
}

/// `/assets/shop.js`.
pub(crate) fn shop_js() -> String {
    let mut js = String::from(SHOP_JS);
    filler(&mut js, "shop", SHOP_JS_BYTES);
    js
}

/// Utility classes in the manner of a CSS framework, until the sheet weighs `bytes`.
fn utilities(css: &mut String, prefix: &str, bytes: usize) {
    const RULES: [(&str, &str); 8] = [
        ("m", "margin"),
        ("p", "padding"),
        ("w", "max-width"),
        ("g", "gap"),
        ("r", "border-radius"),
        ("t", "letter-spacing"),
        ("i", "inset"),
        ("l", "text-indent"),
    ];
    let mut n: u64 = 0;
    while css.len() < bytes {
        let (short, property) = RULES[(n % 8) as usize];
        let step = n / 8;
        let hue = scramble(n) % 360;
        let _ = writeln!(
            css,
            ".{prefix}-{short}-{step}{{{property}:{}.{:02}rem}}.{prefix}-{short}-{step}:hover>.{prefix}-c{n}{{color:hsl({hue},{}%,42%)}}",
            step / 16,
            (step % 16) * 6,
            30 + scramble(n ^ 7) % 60,
        );
        n += 1;
    }
}

/// Functions that nobody calls, as bundles are full of them, until the script weighs `bytes`.
pub(crate) fn filler(js: &mut String, name: &str, bytes: usize) {
    let seed = name
        .bytes()
        .fold(0, |sum, byte| scramble(sum ^ u64::from(byte)));
    let _ = writeln!(js, "(function(){{var m={{}};");
    let mut n: u64 = 0;
    while js.len() < bytes {
        let (a, b) = (scramble(seed ^ n), scramble(seed ^ n ^ 0xffff));
        let _ = writeln!(
            js,
            "m['{a:x}']=function(e,t){{var n=e&&e.{}||{};return t?m['{b:x}']&&m['{b:x}'](n,{}):[n,'{}-{n}',{}]}};",
            ["target", "detail", "value", "id", "next"][(a % 5) as usize],
            a % 9_973,
            b % 127,
            name,
            b % 100_003,
        );
        n += 1;
    }
    let _ = writeln!(js, "window.__{name}=m}})();");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheets_and_scripts_weigh_what_real_shops_carry_and_never_vary() {
        assert!((INLINE_BYTES..INLINE_BYTES + 300).contains(&inline_css().len()));
        assert!((THEME_BYTES..THEME_BYTES + 300).contains(&theme_css().len()));
        assert!((SHOP_JS_BYTES..SHOP_JS_BYTES + 400).contains(&shop_js().len()));
        assert_eq!(inline_css(), inline_css());
    }
}
