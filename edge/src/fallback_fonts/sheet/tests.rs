use super::*;

fn names(css: &str) -> String {
    let found = read(css).unwrap();
    insert(css, &found.names).replace(" v-fallback", "*")
}

#[test]
fn h58_a_stand_in_follows_its_font_in_a_list_that_ends_in_a_generic_family() {
    for (css, expected) in [
        (
            "a{font-family:Lato,sans-serif}",
            "a{font-family:Lato,\"Lato*\",sans-serif}",
        ),
        (
            "a{FONT-FAMILY: 'open sans' , Arial , Sans-Serif }",
            "a{FONT-FAMILY: 'open sans',\"Open Sans*\" , Arial , Sans-Serif }",
        ),
        (
            "a{font-family:Open Sans,Lato,serif!important}",
            "a{font-family:Open Sans,\"Open Sans*\",Lato,\"Lato*\",serif!important}",
        ),
        (
            "a{font:italic 700 12px/1.5 Lato, sans-serif;color:red}",
            "a{font:italic 700 12px/1.5 Lato,\"Lato*\", sans-serif;color:red}",
        ),
        (
            "a{font:12px 'Open Sans', sans-serif}",
            "a{font:12px 'Open Sans',\"Open Sans*\", sans-serif}",
        ),
        (
            "a{font:calc(1px + 1vw) Arial, Lato, serif}",
            "a{font:calc(1px + 1vw) Arial, Lato,\"Lato*\", serif}",
        ),
        (
            ":root{--font-body: Lato, sans-serif;--x:1}",
            ":root{--font-body: Lato,\"Lato*\", sans-serif;--x:1}",
        ),
        (
            "@media print{@supports (a:b){p{font-family:Lato/* x */,serif}}}",
            "@media print{@supports (a:b){p{font-family:Lato,\"Lato*\"/* x */,serif}}}",
        ),
        (
            ".a{b:c;a:hover{font-family:Lato,serif}&.d{font-family:Lato,serif}}",
            ".a{b:c;a:hover{font-family:Lato,\"Lato*\",serif}&.d{font-family:Lato,\"Lato*\",serif}}",
        ),
        (
            "a{font-family:L\\61to,serif}",
            "a{font-family:L\\61to,\"Lato*\",serif}",
        ),
    ] {
        assert_eq!(names(css), expected, "{css}");
    }
}

#[test]
fn h58_any_other_list_is_left_alone() {
    for css in [
        "a{font-family:Lato}",
        "a{font-family:Lato,Arial}",
        "a{font-family:Lato,\"sans-serif\"}",
        "a{font-family:Lato,sans-serif,\"Apple Color Emoji\"}",
        "a{font-family:Unknown,sans-serif}",
        "a{font-family:var(--a),Lato,sans-serif}",
        "a{font-family:Lato,var(--b)}",
        "a{font-family:Lato,inherit}",
        "a{font-family:Lato,,serif}",
        "a{font-family:\"Lato\" x,serif}",
        "a{font-family:Lato,\"Lato fallback\",serif}",
        "a{font-family:Lato,\"Lato Fallback: Arial\",serif}",
        "a{font-family:Lato,\"Lato v-fallback\",serif}",
        "a{font:Lato,serif}",
        "a{font:12px/normal Lato,serif}",
        "a{animation:Lato,serif}",
        "a{--x:{font-family:Lato,serif}}",
        "a{--x:f(Lato,serif)}",
        "a::after{content:\"font-family:Lato,serif\"}",
        "/* a{font-family:Lato,serif} */",
        "@font-feature-values Lato{font-family:Lato,serif}",
        "@font-palette-values --a{font-family:Lato,serif}",
        "@font-face{font-family:Lato,serif}",
        "font-family:Lato,serif",
    ] {
        assert_eq!(read(css).unwrap().names, [], "{css}");
        assert_eq!(with_stand_ins(css), Err("no-known-font"), "{css}");
    }
}

#[test]
fn h58_a_sheet_that_loads_a_known_font_describes_its_stand_in_at_its_end() {
    let lato = "@font-face{font-family:'Lato';font-display:optional;src:url(lato.woff2)}";
    let faces = family("Lato").unwrap().faces();
    for (css, added) in [
        (lato.to_owned(), faces.clone()),
        (format!("{lato}{lato}"), faces.clone()),
        (format!("@media screen{{{lato}}}"), faces.clone()),
        (lato.replace("lato.woff2", "'lato.woff2'"), faces.clone()),
        (format!("@import 'a.css';{lato}a{{b:c}}/* end */"), faces),
    ] {
        assert_eq!(with_stand_ins(&css), Ok(format!("{css}{added}")));
    }
    for css in [
        lato.replace("url(lato.woff2)", "local(Lato)"),
        lato.replace("Lato", "Unknown"),
        format!("{lato}@font-face{{font-family:'Lato fallback';src:local(Arial)}}"),
    ] {
        assert_eq!(with_stand_ins(&css), Err("no-known-font"), "{css}");
    }
}

#[test]
fn h58_a_sheet_that_breaks_off_or_has_errors_stays_as_it_is() {
    let lato = "@font-face{font-family:Lato;src:url(lato.woff2)}";
    for rest in [
        "a{b:c",
        "@media print{",
        "/* x",
        "a",
        "@import 'x'",
        "a[b=\"",
        "a{b:url(x y)}",
        "}",
        "<!-- -->",
        ")",
    ] {
        let css = format!("{lato}p{{font-family:Lato,serif}}{rest}");
        assert_eq!(with_stand_ins(&css), Err("not-understood"), "{css}");
    }
    let deep = format!("{lato}{}{}", "a{".repeat(40), "}".repeat(40));
    assert_eq!(with_stand_ins(&deep), Err("not-understood"));
}

#[test]
fn a_sheet_has_its_stand_ins_once() {
    for css in [
        "@font-face{font-family:Lobster;src:url(l.woff2)}h1{font:2em Lobster,cursive}",
        "@font-face{font-family:Inter;src:url(l.woff2)}h1{font:2em Inter,serif}",
    ] {
        let made = with_stand_ins(css).unwrap();
        assert!(made.len() > css.len() + 100);
        assert_eq!(with_stand_ins(&made), Err("no-known-font"));
    }
}
