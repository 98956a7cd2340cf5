//! Measures of fonts, written by `generate.mjs` from `@capsizecss/metrics` 4.3.0, which is under this licence:
//!
//! MIT License
//!
//! Copyright (c) 2021 SEEK
//!
//! Permission is hereby granted, free of charge, to any person obtaining a copy
//! of this software and associated documentation files (the "Software"), to deal
//! in the Software without restriction, including without limitation the rights
//! to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
//! copies of the Software, and to permit persons to whom the Software is
//! furnished to do so, subject to the following conditions:
//!
//! The above copyright notice and this permission notice shall be included in all
//! copies or substantial portions of the Software.
//!
//! THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
//! IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
//! FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
//! AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
//! LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
//! OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
//! SOFTWARE.

use super::{Look, Measures, row};

/// Fonts that systems have.
#[rustfmt::skip]
pub(super) const STAND_INS: [Measures; 5] = [
    row("Arial", Look::SansSerif, [2048, 1854, 434, 67, 913, 983]),
    row("Courier New", Look::Monospace, [2048, 1705, 615, 0, 1229, 1229]),
    row("Noto Serif", Look::Serif, [1000, 1069, 293, 0, 481, 512]),
    row("Roboto", Look::SansSerif, [2048, 1900, 500, 0, 911, 926]),
    row("Times New Roman", Look::Serif, [2048, 1825, 443, 87, 832, 886]),
];

/// Web fonts, by name.
#[rustfmt::skip]
pub(super) const FAMILIES: [Measures; 82] = [
    row("Abril Fatface", Look::SansSerif, [1000, 1058, 291, 0, 461, 0]),
    row("Alegreya", Look::Serif, [1000, 1016, 345, 0, 410, 416]),
    row("Anton", Look::SansSerif, [2048, 2409, 674, 0, 828, 0]),
    row("Archivo", Look::SansSerif, [1000, 878, 210, 0, 440, 472]),
    row("Arimo", Look::SansSerif, [2048, 1854, 434, 67, 913, 983]),
    row("Arvo", Look::Serif, [2048, 1968, 506, 55, 1000, 1062]),
    row("Assistant", Look::SansSerif, [1000, 1021, 287, 0, 414, 439]),
    row("Barlow", Look::SansSerif, [1000, 1000, 200, 0, 431, 444]),
    row("Barlow Condensed", Look::SansSerif, [1000, 1000, 200, 0, 341, 365]),
    row("Bebas Neue", Look::SansSerif, [1000, 900, 300, 0, 342, 0]),
    row("Bitter", Look::Serif, [1000, 935, 265, 0, 465, 474]),
    row("Cabin", Look::SansSerif, [2000, 1930, 500, 0, 844, 863]),
    row("Cormorant Garamond", Look::Serif, [1000, 924, 287, 0, 394, 398]),
    row("Crimson Text", Look::Serif, [1024, 972, 359, 0, 405, 443]),
    row("Dancing Script", Look::SansSerif, [1000, 920, 280, 0, 363, 373]),
    row("DM Sans", Look::SansSerif, [1000, 992, 310, 0, 466, 493]),
    row("DM Serif Display", Look::Serif, [1000, 1036, 335, 0, 446, 0]),
    row("Dosis", Look::SansSerif, [1000, 1027, 237, 0, 377, 406]),
    row("EB Garamond", Look::Serif, [1000, 1007, 298, 0, 385, 424]),
    row("Exo 2", Look::SansSerif, [1000, 999, 201, 0, 455, 474]),
    row("Figtree", Look::SansSerif, [1000, 950, 250, 0, 449, 463]),
    row("Fira Sans", Look::SansSerif, [1000, 935, 265, 0, 458, 459]),
    row("Fjalla One", Look::SansSerif, [2048, 2066, 508, 0, 798, 0]),
    row("Heebo", Look::SansSerif, [2048, 2146, 862, 0, 912, 927]),
    row("Hind", Look::SansSerif, [1000, 1055, 546, 0, 429, 455]),
    row("IBM Plex Sans", Look::SansSerif, [1000, 1025, 275, 0, 451, 473]),
    row("IBM Plex Serif", Look::Serif, [1000, 1025, 275, 0, 473, 496]),
    row("Inconsolata", Look::Monospace, [1000, 859, 190, 0, 500, 500]),
    row("Instrument Sans", Look::SansSerif, [1000, 970, 250, 0, 458, 478]),
    row("Inter", Look::SansSerif, [2048, 1984, 494, 0, 978, 1008]),
    row("Josefin Sans", Look::SansSerif, [1000, 750, 250, 0, 456, 485]),
    row("Jost", Look::SansSerif, [1000, 1070, 375, 0, 428, 472]),
    row("Kanit", Look::SansSerif, [1000, 1100, 395, 0, 452, 470]),
    row("Karla", Look::SansSerif, [2000, 1834, 504, 0, 913, 957]),
    row("Lato", Look::SansSerif, [2000, 1974, 426, 0, 871, 891]),
    row("Lexend", Look::SansSerif, [1000, 1000, 250, 0, 490, 519]),
    row("Libre Baskerville", Look::Serif, [1000, 970, 270, 0, 517, 530]),
    row("Libre Franklin", Look::SansSerif, [1000, 966, 246, 0, 465, 481]),
    row("Lobster", Look::SansSerif, [1000, 1000, 250, 0, 392, 0]),
    row("Lora", Look::Serif, [1000, 1006, 274, 0, 468, 482]),
    row("Manrope", Look::SansSerif, [2000, 2132, 600, 0, 920, 971]),
    row("Merriweather", Look::Serif, [2000, 1968, 546, 0, 970, 998]),
    row("Merriweather Sans", Look::SansSerif, [2000, 1968, 546, 0, 949, 985]),
    row("Montserrat", Look::SansSerif, [1000, 968, 251, 0, 503, 530]),
    row("Mukta", Look::SansSerif, [1000, 1130, 532, 0, 420, 442]),
    row("Mulish", Look::SansSerif, [1000, 1005, 250, 0, 464, 482]),
    row("Noto Sans", Look::SansSerif, [1000, 1069, 293, 0, 474, 503]),
    row("Noto Serif", Look::Serif, [1000, 1069, 293, 0, 481, 512]),
    row("Nunito", Look::SansSerif, [1000, 1011, 353, 0, 452, 470]),
    row("Nunito Sans", Look::SansSerif, [1000, 1011, 353, 0, 452, 470]),
    row("Open Sans", Look::SansSerif, [2048, 2189, 600, 0, 960, 1030]),
    row("Oswald", Look::SansSerif, [1000, 1193, 289, 0, 363, 411]),
    row("Outfit", Look::SansSerif, [1000, 1000, 260, 0, 445, 461]),
    row("Oxygen", Look::SansSerif, [2048, 2103, 483, 0, 923, 977]),
    row("Pacifico", Look::SansSerif, [1000, 1303, 453, 0, 423, 0]),
    row("Playfair Display", Look::Serif, [1000, 1082, 251, 0, 452, 463]),
    row("Plus Jakarta Sans", Look::SansSerif, [1000, 1038, 222, 0, 468, 484]),
    row("Poppins", Look::SansSerif, [1000, 1050, 350, 100, 500, 515]),
    row("Prompt", Look::SansSerif, [1000, 1090, 422, 0, 499, 507]),
    row("PT Sans", Look::SansSerif, [1000, 1018, 276, 0, 431, 431]),
    row("PT Serif", Look::Serif, [1000, 1039, 286, 0, 448, 484]),
    row("Public Sans", Look::SansSerif, [2000, 1900, 450, 0, 935, 959]),
    row("Quicksand", Look::SansSerif, [1000, 1000, 250, 0, 465, 489]),
    row("Raleway", Look::SansSerif, [1000, 940, 234, 0, 463, 481]),
    row("Red Hat Display", Look::SansSerif, [1000, 1018, 305, 0, 442, 464]),
    row("Roboto", Look::SansSerif, [2048, 1900, 500, 0, 911, 926]),
    row("Roboto Condensed", Look::SansSerif, [2048, 1900, 500, 0, 811, 826]),
    row("Roboto Mono", Look::Monospace, [2048, 2146, 555, 0, 1229, 1229]),
    row("Roboto Slab", Look::Serif, [2048, 2146, 555, 0, 972, 984]),
    row("Rubik", Look::SansSerif, [1000, 935, 250, 0, 468, 501]),
    row("Sora", Look::SansSerif, [1000, 970, 290, 0, 507, 517]),
    row("Source Code Pro", Look::Monospace, [1000, 984, 273, 0, 600, 600]),
    row("Source Sans 3", Look::SansSerif, [1000, 1024, 400, 0, 418, 443]),
    row("Source Serif 4", Look::Serif, [1000, 1036, 335, 0, 479, 494]),
    row("Space Grotesk", Look::SansSerif, [1000, 984, 292, 0, 489, 490]),
    row("Space Mono", Look::Monospace, [1000, 1120, 361, 0, 612, 612]),
    row("Titillium Web", Look::SansSerif, [1000, 1133, 388, 0, 421, 435]),
    row("Ubuntu", Look::SansSerif, [1000, 932, 189, 28, 455, 480]),
    row("Urbanist", Look::SansSerif, [2000, 1900, 500, 0, 883, 918]),
    row("Varela Round", Look::SansSerif, [1000, 918, 286, 0, 478, 0]),
    row("Work Sans", Look::SansSerif, [1000, 930, 243, 0, 499, 502]),
    row("Yanone Kaffeesatz", Look::SansSerif, [1000, 735, 200, 57, 308, 293]),
];
