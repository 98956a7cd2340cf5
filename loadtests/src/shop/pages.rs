//! The shop's pages, as a template language would write them, sins included: vendors' tags that block the head,
//! pictures without dimensions and far larger than shown, a framework inlined, a personal cart count everywhere.

use std::fmt::Write as _;

use super::catalog::{CATEGORIES, Category, PRODUCTS, Product, price, products_of};
use super::noise::scramble;
use super::session::{Cart, MAX_QUANTITY};

/// Everything that all pages share.
pub(crate) struct Theme {
    /// Address of the vendors.
    pub(crate) vendors: String,
    /// The inlined style sheet.
    pub(crate) css: String,
}

/// A page that was asked for.
pub(crate) enum Page {
    Home,
    Category(&'static Category),
    Product(&'static Product),
    Cart,
    Checkout,
    Thanks,
    NotFound,
}

impl Page {
    fn title(&self) -> String {
        match self {
            Self::Home => "Fern & Fjord: things for a calm house".into(),
            Self::Category(category) => format!("{} | Fern & Fjord", category.name),
            Self::Product(product) => format!("{} | Fern & Fjord", product.name),
            Self::Cart => "Your cart | Fern & Fjord".into(),
            Self::Checkout => "Checkout | Fern & Fjord".into(),
            Self::Thanks => "Thank you | Fern & Fjord".into(),
            Self::NotFound => "Not found | Fern & Fjord".into(),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Category(_) => "category",
            Self::Product(_) => "product",
            Self::Cart => "cart",
            Self::Checkout => "checkout",
            Self::Thanks => "thanks",
            Self::NotFound => "not-found",
        }
    }
}

/// Renders a page for the owner of a cart. The same page and cart give the same bytes.
pub(crate) fn render(theme: &Theme, page: &Page, cart: &Cart) -> String {
    let mut html = String::with_capacity(theme.css.len() + 32_768);
    head(&mut html, theme, page);
    top(&mut html, cart);
    html.push_str("<main>\n");
    match page {
        Page::Home => home(&mut html),
        Page::Category(category) => shelf(&mut html, category),
        Page::Product(product) => detail(&mut html, product),
        Page::Cart => basket(&mut html, cart),
        Page::Checkout => checkout(&mut html, cart),
        Page::Thanks => html.push_str("<h1>Thank you</h1>\n<p>Your order is on its way to the packing table. This is a demo shop, so nothing will be charged or sent.</p>\n<p><a class=\"button\" href=\"/\">Back to the shop</a></p>\n"),
        Page::NotFound => html.push_str("<h1>Nothing here</h1>\n<p>This page does not exist. <a href=\"/\">Back to the shop</a></p>\n"),
    }
    html.push_str("</main>\n");
    foot(&mut html, theme, page);
    html
}

fn head(html: &mut String, theme: &Theme, page: &Page) {
    let vendors = &theme.vendors;
    let _ = write!(
        html,
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<meta name="description" content="Ceramics, lamps, linen and pantry goods, made slowly.">
<link rel="icon" href="data:,">
<script>window.dataLayer=window.dataLayer||[];window.dataLayer.push({{start:1}});window.ShopConfig={{version:'4.2.0',page:'{kind}',currency:'USD'}};</script>
<script src="{vendors}/tags/container.js"></script>
<script src="{vendors}/ab/experiments.js"></script>
<script>ABTool.assign('{kind}');</script>
<script src="{vendors}/analytics/collect.js"></script>
<style>{css}</style>
<link rel="stylesheet" href="/assets/theme.css">
<script src="/assets/shop.js"></script>
<script src="{vendors}/reviews/widget.js"></script>
<script src="{vendors}/chat/loader.js"></script>
"#,
        title = escape(&page.title()),
        kind = page.kind(),
        css = theme.css,
    );
    structured_data(html, page);
    html.push_str("</head>\n<body>\n<noscript><p class=\"notice\">This shop works without scripts, only less prettily.</p></noscript>\n");
}

/// JSON-LD, for search engines.
fn structured_data(html: &mut String, page: &Page) {
    let data = match page {
        Page::Product(product) => format!(
            r#"{{"@context":"https://schema.org","@type":"Product","name":"{}","image":"/media/{}.jpg","description":"{}","offers":{{"@type":"Offer","price":"{}.{:02}","priceCurrency":"USD","availability":"https://schema.org/InStock"}}}}"#,
            product.name, product.slug, product.blurb, product.cents / 100, product.cents % 100,
        ),
        _ => r#"{"@context":"https://schema.org","@type":"Store","name":"Fern & Fjord","url":"https://shop.example/"}"#.into(),
    };
    let _ = writeln!(html, "<script type=\"application/ld+json\">{data}</script>");
}

fn top(html: &mut String, cart: &Cart) {
    html.push_str("<div class=\"notice\">Free delivery over $120 &middot; Thirty days to change your mind</div>\n<header class=\"site-head\"><a class=\"logo\" href=\"/\">Fern <span>&amp;</span> Fjord</a><nav>");
    for category in &CATEGORIES {
        let _ = write!(
            html,
            "<a href=\"/c/{}\">{}</a>",
            category.slug, category.name
        );
    }
    let count = cart.count();
    let things = if count == 1 { "item" } else { "items" };
    let _ = writeln!(
        html,
        "</nav><a class=\"cart-link\" href=\"/cart\" aria-label=\"Cart with {count} {things}\">Cart <span class=\"cart-count\">{count}</span></a></header>"
    );
}

fn foot(html: &mut String, theme: &Theme, page: &Page) {
    let _ = write!(
        html,
        "<footer class=\"site-foot\"><div><span>Fern &amp; Fjord, a shop for testing. Nothing is for sale.</span><span><a href=\"/c/ceramics\">Ceramics</a> &middot; <a href=\"/c/textiles\">Textiles</a> &middot; <a href=\"/cart\">Cart</a></span></div></footer>\n\
         <script>Shop.start('{kind}');</script>\n\
         <noscript><img height=\"1\" width=\"1\" alt=\"\" src=\"{vendors}/collect?t=noscript\"></noscript>\n</body>\n</html>\n",
        kind = page.kind(),
        vendors = theme.vendors,
    );
}

fn home(html: &mut String) {
    html.push_str("<section class=\"hero\"><img src=\"/media/hero.jpg\" alt=\"A table with vases, bowls and a bottle in morning light\"><div class=\"hero-copy\"><h1>Made slowly, used daily</h1><p>New ceramics from the autumn kiln, in sea glazes and sand.</p><a class=\"button\" href=\"/c/ceramics\">See the ceramics</a></div></section>\n<h2>What people take home</h2>\n<div class=\"grid\">\n");
    for product in PRODUCTS.iter().step_by(3) {
        card(html, product);
    }
    html.push_str("</div>\n<h2 style=\"margin-top:2.2rem\">From the journal</h2>\n<div class=\"grid three\">\n");
    for (picture, title, text) in [
        (
            "kiln",
            "Inside the kiln",
            "What happens to a glaze at 1,260 degrees, and why no two bowls agree.",
        ),
        (
            "linen",
            "Why linen wrinkles",
            "And why that is the point. A visit to the mill.",
        ),
        (
            "light",
            "Light in November",
            "Seven lamps, one dark hallway, and some advice.",
        ),
    ] {
        let _ = writeln!(
            html,
            "<article class=\"card\"><img src=\"/media/journal-{picture}.png\" alt=\"{title}\"><div class=\"card-body\"><h3>{title}</h3><p>{text}</p></div></article>"
        );
    }
    html.push_str("</div>\n");
}

fn card(html: &mut String, product: &Product) {
    let _ = writeln!(
        html,
        "<a class=\"card\" href=\"/p/{slug}\"><img src=\"/media/{slug}.jpg\" alt=\"{name}\"><div class=\"card-body\"><h3>{name}</h3><span class=\"price\">{price}</span></div></a>",
        slug = product.slug,
        name = product.name,
        price = price(product.cents),
    );
}

fn shelf(html: &mut String, category: &Category) {
    let _ = writeln!(
        html,
        "<p class=\"crumbs\"><a href=\"/\">Home</a> / {name}</p>\n<section class=\"hero\"><img src=\"/media/banner-{slug}.jpg\" alt=\"{name}\"></section>\n<h1>{name}</h1>\n<p>{blurb}</p>\n<div class=\"grid three\">",
        name = category.name,
        slug = category.slug,
        blurb = category.blurb,
    );
    for product in products_of(category.slug) {
        card(html, product);
    }
    html.push_str("</div>\n");
}

fn detail(html: &mut String, product: &Product) {
    let category = CATEGORIES
        .iter()
        .find(|category| category.slug == product.category);
    let shelf = category.map_or("Shop", |category| category.name);
    let key = product
        .slug
        .bytes()
        .fold(7, |sum, byte| scramble(sum ^ u64::from(byte)));
    let _ = write!(
        html,
        r#"<p class="crumbs"><a href="/">Home</a> / <a href="/c/{category}">{shelf}</a> / {name}</p>
<div class="product">
<div><div class="photo"><img src="/media/{slug}.jpg" alt="{name}"></div>
<div class="thumbs"><img src="/media/{slug}.jpg" alt="Front" data-swap="/media/{slug}.jpg"><img src="/media/{slug}-side.jpg" alt="Side" data-swap="/media/{slug}-side.jpg"></div></div>
<div><h1>{name}</h1>
<p><span class="price"><span class="was">{was}</span><span class="now">{price}</span></span></p>
<p>{blurb}</p>
<form class="buy" method="post" action="/cart/add"><input type="hidden" name="sku" value="{slug}"><div><label for="quantity">Quantity</label><input id="quantity" name="quantity" type="number" min="1" max="{MAX_QUANTITY}" value="1"></div><button class="button" type="submit">Add to cart</button></form>
<ul class="facts"><li><span>Delivery</span><span>2 to 4 days</span></li><li><span>Made in</span><span>small batches of {batch}</span></li><li><span>Care</span><span>by hand, with patience</span></li></ul>
<div class="reviews-box"><h3>Reviews</h3><p data-reviews="{slug}" data-score="4.{tenth}" data-count="{count}">Reviews are loading</p></div>
</div></div>
<h2 style="margin-top:2.4rem">Goes well with</h2>
<div class="grid">
"#,
        category = product.category,
        name = product.name,
        slug = product.slug,
        was = price(product.cents + product.cents / 5),
        price = price(product.cents),
        blurb = product.blurb,
        batch = 12 + key % 48,
        tenth = 2 + key % 8,
        count = 9 + (key >> 8) % 240,
    );
    for other in products_of(product.category)
        .filter(|other| other.slug != product.slug)
        .take(4)
    {
        card(html, other);
    }
    html.push_str("</div>\n");
}

fn basket(html: &mut String, cart: &Cart) {
    html.push_str("<h1>Your cart</h1>\n");
    if cart.count() == 0 {
        html.push_str("<p>It is empty. <a href=\"/c/ceramics\">Start with the ceramics</a>.</p>\n");
        return;
    }
    html.push_str("<table class=\"cart\"><thead><tr><th>Product</th><th>Quantity</th><th></th><th class=\"amount\">Total</th></tr></thead><tbody>\n");
    for (product, quantity) in cart.lines() {
        let _ = writeln!(
            html,
            r#"<tr><td><a href="/p/{slug}">{name}</a></td><td><form method="post" action="/cart/update"><input type="hidden" name="sku" value="{slug}"><input name="quantity" aria-label="Quantity of {name}" type="number" min="0" max="{MAX_QUANTITY}" value="{quantity}"><button class="button quiet">Change</button></form></td><td><form method="post" action="/cart/remove"><input type="hidden" name="sku" value="{slug}"><button class="button quiet">Remove</button></form></td><td class="amount">{total}</td></tr>"#,
            slug = product.slug,
            name = product.name,
            total = price(product.cents * quantity),
        );
    }
    let _ = writeln!(
        html,
        "</tbody><tfoot><tr><th colspan=\"3\">Total</th><th class=\"amount\">{}</th></tr></tfoot></table>\n<p style=\"margin-top:1.4rem\"><a class=\"button\" href=\"/checkout\">To the checkout</a></p>",
        price(cart.cents())
    );
}

fn checkout(html: &mut String, cart: &Cart) {
    let _ = write!(
        html,
        r#"<h1>Checkout</h1>
<div class="checkout">
<form class="panel" method="post" action="/checkout"><div><label for="name">Name</label><input id="name" name="name" autocomplete="name" required></div><div><label for="address">Address</label><input id="address" name="address" autocomplete="street-address" required></div><div><label for="city">City</label><input id="city" name="city" autocomplete="address-level2" required></div><button class="button" type="submit">Place the order</button></form>
<div class="panel"><h2>Your order</h2><ul class="facts">"#
    );
    for (product, quantity) in cart.lines() {
        let _ = write!(
            html,
            "<li><span>{quantity} &times; {}</span><span>{}</span></li>",
            product.name,
            price(product.cents * quantity)
        );
    }
    let _ = writeln!(
        html,
        "</ul><p class=\"price\">Total {}</p></div>\n</div>",
        price(cart.cents())
    );
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme() -> Theme {
        Theme {
            vendors: "http://127.0.0.1:3001".into(),
            css: String::new(),
        }
    }

    #[test]
    fn the_same_page_and_cart_give_the_same_bytes_and_every_page_counts_the_cart() {
        let mut cart = Cart::default();
        cart.add(&PRODUCTS[1], 3);
        for page in [
            Page::Home,
            Page::Category(&CATEGORIES[0]),
            Page::Product(&PRODUCTS[0]),
            Page::Cart,
            Page::Checkout,
        ] {
            let html = render(&theme(), &page, &cart);
            assert_eq!(html, render(&theme(), &page, &cart));
            assert!(html.contains("aria-label=\"Cart with 3 items\""));
        }
    }

    #[test]
    fn vendors_block_the_head_and_pictures_have_no_dimensions() {
        let html = render(&theme(), &Page::Home, &Cart::default());
        let head = &html[..html.find("</head>").unwrap()];
        assert_eq!(
            head.matches("<script src=\"http://127.0.0.1:3001/").count(),
            5
        );
        assert!(html.contains("<img src=\"/media/hero.jpg\" alt="));
        assert!(!html.contains("width=\"2200\""));
    }
}
