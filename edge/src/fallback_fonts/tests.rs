use super::*;

/// What `createFontStack` of `@capsizecss/core` 4.1.3 answers with the measures of `@capsizecss/metrics` 4.3.0:
/// `generate.mjs --known` prints it. It leaves out what is the stand-in's own value.
#[rustfmt::skip]
const KNOWN: &[(&str, &str, &str, &str, &str, &str, &str)] = &[
    ("Inter", "Arial", "regular", "107.1194%", "90.4365%", "22.518%", "0%"),
    ("Inter", "Arial", "bold", "102.5432%", "94.4723%", "23.5229%", "0%"),
    ("Inter", "Roboto", "regular", "107.3546%", "90.2384%", "22.4686%", ""),
    ("Inter", "Roboto", "bold", "108.8553%", "88.9943%", "22.1589%", ""),
    ("Lato", "Arial", "regular", "97.6894%", "101.0345%", "21.8038%", "0%"),
    ("Lato", "Arial", "bold", "92.8163%", "106.3391%", "22.9486%", "0%"),
    ("Lato", "Roboto", "regular", "97.9038%", "100.8132%", "21.756%", ""),
    ("Lato", "Roboto", "bold", "98.5296%", "100.173%", "21.6179%", ""),
    ("Lobster", "Arial", "regular", "87.9317%", "113.7247%", "28.4312%", "0%"),
    ("Lobster", "Roboto", "regular", "88.1247%", "113.4756%", "28.3689%", ""),
    ("Lora", "Times New Roman", "regular", "115.2%", "87.3264%", "23.7847%", "0%"),
    ("Lora", "Times New Roman", "bold", "111.4149%", "90.2931%", "24.5928%", "0%"),
    ("Lora", "Noto Serif", "regular", "97.2973%", "103.3944%", "28.1611%", ""),
    ("Lora", "Noto Serif", "bold", "94.1406%", "106.8614%", "29.1054%", ""),
    ("Montserrat", "Arial", "regular", "112.8307%", "85.7923%", "22.2457%", "0%"),
    ("Montserrat", "Arial", "bold", "110.4212%", "87.6644%", "22.7312%", "0%"),
    ("Montserrat", "Roboto", "regular", "113.0784%", "85.6043%", "22.197%", ""),
    ("Montserrat", "Roboto", "bold", "117.2181%", "82.5811%", "21.4131%", ""),
    ("Open Sans", "Arial", "regular", "105.1479%", "101.6519%", "27.8625%", "0%"),
    ("Open Sans", "Arial", "bold", "104.7813%", "102.0075%", "27.96%", "0%"),
    ("Open Sans", "Roboto", "regular", "105.3787%", "101.4292%", "27.8015%", ""),
    ("Open Sans", "Roboto", "bold", "111.2311%", "96.0925%", "26.3387%", ""),
    ("Playfair Display", "Times New Roman", "regular", "111.2615%", "97.2483%", "22.5595%", "0%"),
    ("Playfair Display", "Times New Roman", "bold", "107.023%", "101.0997%", "23.4529%", "0%"),
    ("Playfair Display", "Noto Serif", "regular", "93.9709%", "115.142%", "26.7104%", ""),
    ("Playfair Display", "Noto Serif", "bold", "90.4297%", "119.651%", "27.7564%", ""),
    ("Poppins", "Arial", "regular", "112.1577%", "93.6182%", "31.2061%", "8.916%"),
    ("Poppins", "Arial", "bold", "107.296%", "97.8601%", "32.62%", "9.32%"),
    ("Poppins", "Roboto", "regular", "112.404%", "93.4131%", "31.1377%", "8.8965%"),
    ("Poppins", "Roboto", "bold", "113.9006%", "92.1856%", "30.7285%", "8.7796%"),
    ("Roboto Mono", "Courier New", "regular", "", "104.7852%", "27.0996%", ""),
    ("Roboto Mono", "Courier New", "bold", "", "104.7852%", "27.0996%", ""),
];

#[test]
fn h58_stand_ins_are_scaled_as_capsize_scales_them() {
    for &(name, stand_in, weight, size, ascent, descent, line_gap) in KNOWN {
        let family = family(name).unwrap();
        let look = family.0.look.stand_ins();
        let stand_in = look.iter().find(|s| s.name == stand_in).unwrap();
        let fit = family.fit(stand_in, weight == "bold").unwrap();
        let own = STAND_INS.iter().find(|s| s.name == stand_in.name).unwrap();
        let own_gap =
            percent(f64::from(own.line_gap) / f64::from(family.0.units_per_em) / fit.size);
        let place = format!("{name}, {}, {weight}", stand_in.name);
        assert_eq!(percent(fit.size), or(size, "100%"), "{place}");
        assert_eq!(percent(fit.ascent), ascent, "{place}");
        assert_eq!(percent(fit.descent), descent, "{place}");
        assert_eq!(percent(fit.line_gap), or(line_gap, &own_gap), "{place}");
    }
}

fn or<'t>(text: &'t str, otherwise: &'t str) -> &'t str {
    if text.is_empty() { otherwise } else { text }
}

#[test]
fn a_family_is_found_by_its_name_in_any_case_and_by_no_other() {
    let lower = FAMILIES.map(|f| f.name.to_ascii_lowercase());
    assert!(lower.is_sorted(), "the search needs them in order");
    for known in &FAMILIES {
        for name in [known.name.to_owned(), known.name.to_uppercase()] {
            assert_eq!(family(&name), Some(Family(known)));
        }
        assert!(
            known
                .name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b' ')
        );
    }
    for name in ["", "Lat", "Latoo", "Lato v-fallback", "Arial", "sans-serif"] {
        assert_eq!(family(name), None, "{name}");
    }
}

#[test]
fn h58_no_line_is_further_off_where_a_browser_sets_the_width_alone() {
    for known in &FAMILIES {
        let rules = Family(known).faces();
        if rules.starts_with(SETS_HEIGHT) {
            continue;
        }
        assert!(!rules.contains("@supports"), "all faces or none: {rules}");
        for face in rules.split("@font-face").skip(1) {
            let value = |name: &str| {
                let rest = face.split(&format!("{name}:")).nth(1).unwrap();
                rest.split('%').next().unwrap().parse::<f64>().unwrap() / 100.0
            };
            let stand_in = |s: &&Measures| face.contains(&format!("local(\"{}", s.name));
            let own = STAND_INS.iter().find(stand_in).unwrap();
            let em = f64::from(own.units_per_em);
            let own = f64::from(own.ascent + own.descent + own.line_gap) / em;
            let names = ["ascent-override", "descent-override", "line-gap-override"];
            let wanted = value("size-adjust") * names.iter().map(|n| value(n)).sum::<f64>();
            let off = |height: f64| (height - wanted).abs();
            let scaled = off(own * value("size-adjust"));
            assert!(scaled <= off(own) + 1e-3, "one line: {face}");
            let many = off(own / value("size-adjust"));
            assert!(scaled <= many + 1e-3, "many lines: {face}");
        }
    }
    let is_for_all = |known: &&'static Measures| !Family(known).faces().starts_with(SETS_HEIGHT);
    let for_all = FAMILIES.iter().filter(is_for_all).count();
    assert!((15..60).contains(&for_all), "{for_all} families");
}

/// As Chromium does: the size cut to hundredths of a pixel, each height rounded for itself.
#[test]
fn h58_nearly_every_line_has_the_pixels_of_the_web_font() {
    let (mut lines, mut off) = (0, 0);
    for known in &FAMILIES {
        let family = Family(known);
        let stand_in = known.look.stand_ins()[0];
        let fit = family.fit(stand_in, false).unwrap();
        let face = family.face(stand_in, false, &fit);
        let value = |name: &str| {
            let rest = face.split(&format!("{name}:")).nth(1).unwrap();
            rest.split('%').next().unwrap().parse::<f64>().unwrap() / 100.0
        };
        for size in 12u16..=40 {
            let size = f64::from(size);
            let adjusted = (size * value("size-adjust") * 100.0).floor() / 100.0;
            let is_off = |(name, units): (&str, u16)| {
                let wanted = size * f64::from(units) / f64::from(known.units_per_em);
                ((adjusted * value(name)).round() - wanted.round()).abs() > 0.5
            };
            lines += 1;
            off += usize::from(
                is_off(("ascent-override", known.ascent))
                    || is_off(("descent-override", known.descent))
                    || is_off(("line-gap-override", known.line_gap)),
            );
        }
    }
    assert!(off * 100 <= lines, "{off} of {lines}");
}

#[test]
fn h58_faces_come_from_the_system_alone_and_leave_loading_to_the_author() {
    for known in &FAMILIES {
        let rules = Family(known).faces();
        assert!(rules.is_ascii() && !rules.contains('<'));
        assert!(
            !rules.contains("url(") && !rules.contains("font-display"),
            "{rules}"
        );
        assert_eq!(
            rules.matches("@font-face").count(),
            rules.matches("unicode-range").count()
        );
        assert!(rules.contains("local("), "{rules}");
    }
}
