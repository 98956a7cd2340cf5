//! What the demo shop sells. A fixed list: every page, image and price follows from it.

/// A shelf of the shop, with a page of its own under `/c/`.
pub(crate) struct Category {
    pub(crate) slug: &'static str,
    pub(crate) name: &'static str,
    pub(crate) blurb: &'static str,
}

/// What a product looks like in its photographs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Vase,
    Mug,
    Bowl,
    Bottle,
    Lamp,
    Candle,
    Cushion,
    Jar,
}

/// Something to buy, with a page of its own under `/p/`.
pub(crate) struct Product {
    pub(crate) slug: &'static str,
    pub(crate) name: &'static str,
    pub(crate) category: &'static str,
    pub(crate) form: Form,
    /// Glaze, glass or cloth, as sRGB.
    pub(crate) colour: [u8; 3],
    pub(crate) cents: u32,
    pub(crate) blurb: &'static str,
}

pub(crate) const CATEGORIES: [Category; 4] = [
    Category {
        slug: "ceramics",
        name: "Ceramics",
        blurb: "Thrown, glazed and fired in small batches; no two alike.",
    },
    Category {
        slug: "lighting",
        name: "Lighting",
        blurb: "Lamps and candles for the dark half of the year.",
    },
    Category {
        slug: "textiles",
        name: "Textiles",
        blurb: "Linen and wool that get better with every wash.",
    },
    Category {
        slug: "pantry",
        name: "Pantry",
        blurb: "Bottles, jars and bowls for a kitchen that is used.",
    },
];

const fn product(
    slug: &'static str,
    name: &'static str,
    place: (&'static str, Form),
    colour: [u8; 3],
    cents: u32,
    blurb: &'static str,
) -> Product {
    Product {
        slug,
        name,
        category: place.0,
        form: place.1,
        colour,
        cents,
        blurb,
    }
}

const CERAMICS: &str = "ceramics";
const LIGHTING: &str = "lighting";
const TEXTILES: &str = "textiles";
const PANTRY: &str = "pantry";

pub(crate) const PRODUCTS: [Product; 24] = [
    product(
        "tidewater-vase",
        "Tidewater vase",
        (CERAMICS, Form::Vase),
        [62, 108, 122],
        8_900,
        "A tall shoulder and a narrow neck, in a glaze that breaks from slate to sea green.",
    ),
    product(
        "ember-mug",
        "Ember mug",
        (CERAMICS, Form::Mug),
        [176, 84, 52],
        2_400,
        "Holds a third of a litre and keeps it warm; the foot is left unglazed.",
    ),
    product(
        "drift-bowl",
        "Drift bowl",
        (CERAMICS, Form::Bowl),
        [214, 203, 184],
        4_200,
        "A wide serving bowl with a sandy, speckled glaze.",
    ),
    product(
        "moss-vase",
        "Moss vase",
        (CERAMICS, Form::Vase),
        [92, 112, 66],
        7_400,
        "A small vase for three stems, glazed in layered greens.",
    ),
    product(
        "quartz-mug",
        "Quartz mug",
        (CERAMICS, Form::Mug),
        [222, 206, 204],
        2_600,
        "A straight-sided mug in pale pink stoneware.",
    ),
    product(
        "harbour-bowl",
        "Harbour bowl",
        (CERAMICS, Form::Bowl),
        [48, 74, 104],
        4_600,
        "Deep blue inside and out, with a rim that shows the clay.",
    ),
    product(
        "aurora-lamp",
        "Aurora table lamp",
        (LIGHTING, Form::Lamp),
        [206, 186, 142],
        18_900,
        "A linen shade on a turned base; the light is warm and even.",
    ),
    product(
        "pebble-lamp",
        "Pebble lamp",
        (LIGHTING, Form::Lamp),
        [146, 150, 156],
        15_900,
        "A low lamp for a shelf, with a base like a river stone.",
    ),
    product(
        "beeswax-candle",
        "Beeswax candle",
        (LIGHTING, Form::Candle),
        [224, 176, 84],
        1_900,
        "Burns for forty hours and smells faintly of honey.",
    ),
    product(
        "cedar-candle",
        "Cedar candle",
        (LIGHTING, Form::Candle),
        [142, 70, 58],
        2_900,
        "Cedar, smoke and a little orange, in a vessel to keep.",
    ),
    product(
        "dusk-lamp",
        "Dusk lamp",
        (LIGHTING, Form::Lamp),
        [120, 82, 98],
        16_400,
        "A plum shade that glows like the hour after sunset.",
    ),
    product(
        "snow-candle",
        "Snow candle",
        (LIGHTING, Form::Candle),
        [232, 232, 228],
        2_200,
        "Unscented, white and tall enough for a windowsill.",
    ),
    product(
        "oat-cushion",
        "Oat cushion",
        (TEXTILES, Form::Cushion),
        [208, 190, 158],
        5_400,
        "Washed linen in the colour of oats, with a feather inner.",
    ),
    product(
        "rust-cushion",
        "Rust cushion",
        (TEXTILES, Form::Cushion),
        [168, 82, 46],
        5_400,
        "The same linen, dyed with madder.",
    ),
    product(
        "fjord-cushion",
        "Fjord cushion",
        (TEXTILES, Form::Cushion),
        [66, 96, 124],
        5_900,
        "A heavy twill in deep water blue.",
    ),
    product(
        "sage-cushion",
        "Sage cushion",
        (TEXTILES, Form::Cushion),
        [140, 152, 120],
        5_400,
        "Soft green, piped by hand.",
    ),
    product(
        "chalk-cushion",
        "Chalk cushion",
        (TEXTILES, Form::Cushion),
        [230, 226, 216],
        4_900,
        "A plain cushion for people with colourful sofas.",
    ),
    product(
        "plum-cushion",
        "Plum cushion",
        (TEXTILES, Form::Cushion),
        [104, 58, 84],
        6_200,
        "Wool with a slight sheen, the last of its dye lot.",
    ),
    product(
        "olive-bottle",
        "Olive oil bottle",
        (PANTRY, Form::Bottle),
        [70, 92, 44],
        3_400,
        "Dark glass keeps oil fresh; the spout does not drip.",
    ),
    product(
        "amber-bottle",
        "Amber bottle",
        (PANTRY, Form::Bottle),
        [170, 104, 34],
        2_800,
        "Half a litre, for vinegar or syrup.",
    ),
    product(
        "salt-jar",
        "Salt jar",
        (PANTRY, Form::Jar),
        [216, 210, 200],
        3_900,
        "Wide enough for a hand, with a lid that stays put.",
    ),
    product(
        "tea-jar",
        "Tea jar",
        (PANTRY, Form::Jar),
        [84, 96, 88],
        4_400,
        "Keeps two hundred grams of leaves dark and dry.",
    ),
    product(
        "mixing-bowl",
        "Mixing bowl",
        (PANTRY, Form::Bowl),
        [196, 160, 104],
        5_200,
        "Three litres, a pouring lip and a grip you can trust.",
    ),
    product(
        "indigo-bottle",
        "Indigo bottle",
        (PANTRY, Form::Bottle),
        [52, 62, 118],
        3_200,
        "Water for the table, a litre at a time.",
    ),
];

pub(crate) fn product_by_slug(slug: &str) -> Option<&'static Product> {
    PRODUCTS.iter().find(|product| product.slug == slug)
}

pub(crate) fn category_by_slug(slug: &str) -> Option<&'static Category> {
    CATEGORIES.iter().find(|category| category.slug == slug)
}

pub(crate) fn products_of(category: &str) -> impl Iterator<Item = &'static Product> {
    PRODUCTS
        .iter()
        .filter(move |product| product.category == category)
}

/// `8900` as `$89.00`.
pub(crate) fn price(cents: u32) -> String {
    format!("${}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_stands_in_a_category_that_exists_and_has_a_slug_of_its_own() {
        for (i, product) in PRODUCTS.iter().enumerate() {
            assert!(
                category_by_slug(product.category).is_some(),
                "{}",
                product.slug
            );
            assert!(
                PRODUCTS[i + 1..]
                    .iter()
                    .all(|other| other.slug != product.slug)
            );
        }
    }

    #[test]
    fn a_price_has_two_decimals() {
        assert_eq!(price(8_900), "$89.00");
        assert_eq!(price(1_905), "$19.05");
    }
}
