// Writes `measures.rs` beside it: the measures of much used web fonts, and of what stands in for them.
//
//   npm install --prefix /tmp/capsize @capsizecss/metrics@4.3.0 @capsizecss/core@4.1.3
//   node edge/src/fallback_fonts/generate.mjs /tmp/capsize          writes measures.rs
//   node edge/src/fallback_fonts/generate.mjs /tmp/capsize --known  prints the answers that the tests hold it to
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const packages = createRequire(path.resolve(process.argv[2], 'x.js'));
const { entireMetricsCollection } = packages('@capsizecss/metrics/entireMetricsCollection');
const { createFontStack } = packages('@capsizecss/core');
const modules = path.join(path.resolve(process.argv[2]), 'node_modules/@capsizecss');
const { version } = JSON.parse(fs.readFileSync(path.join(modules, 'metrics/package.json')));
const licence = fs.readFileSync(path.join(modules, 'metrics/LICENSE'), 'utf8').trim();

const FAMILIES = `Abril Fatface|Alegreya|Anton|Archivo|Arimo|Arvo|Assistant|Barlow|Barlow Condensed|Bebas Neue|Bitter|Cabin
Cormorant Garamond|Crimson Text|Dancing Script|DM Sans|DM Serif Display|Dosis|EB Garamond|Exo 2|Figtree|Fira Sans
Fjalla One|Heebo|Hind|IBM Plex Sans|IBM Plex Serif|Inconsolata|Instrument Sans|Inter|Josefin Sans|Jost|Kanit|Karla|Lato
Lexend|Libre Baskerville|Libre Franklin|Lobster|Lora|Manrope|Merriweather|Merriweather Sans|Montserrat|Mukta|Mulish
Noto Sans|Noto Serif|Nunito|Nunito Sans|Open Sans|Oswald|Outfit|Oxygen|Pacifico|Playfair Display|Plus Jakarta Sans|Poppins
Prompt|PT Sans|PT Serif|Public Sans|Quicksand|Raleway|Red Hat Display|Roboto|Roboto Condensed|Roboto Mono|Roboto Slab
Rubik|Sora|Source Code Pro|Source Sans 3|Source Serif 4|Space Grotesk|Space Mono|Titillium Web|Ubuntu|Urbanist
Varela Round|Work Sans|Yanone Kaffeesatz`.split(/[|\n]/);

// What stands in, by the look of the web font: first where the system is a desktop's or Apple's, then Android's.
const STAND_INS = { SansSerif: ['Arial', 'Roboto'], Serif: ['Times New Roman', 'Noto Serif'], Monospace: ['Courier New'] };

const byName = new Map(Object.values(entireMetricsCollection).map((font) => [font.familyName, font]));
const lookOf = ({ category }) => ({ serif: 'Serif', monospace: 'Monospace' })[category] ?? 'SansSerif';
const width = (font) => font?.subsets.latin.xWidthAvg;
const sameHeight = (a, b) => ['ascent', 'descent', 'lineGap', 'unitsPerEm'].every((key) => a[key] === b[key]);

function line(name) {
  const font = byName.get(name);
  const bold = font.variants['700'];
  const numbers = [font.unitsPerEm, font.ascent, -font.descent, font.lineGap, width(font), bold && sameHeight(font, bold) ? width(bold) : 0];
  return `    row(${JSON.stringify(name)}, Look::${lookOf(font)}, [${numbers.join(', ')}]),`;
}

const table = (name, doc, names) => `/// ${doc}
#[rustfmt::skip]
pub(super) const ${name}: [Measures; ${names.length}] = [
${names.sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)).map(line).join('\n')}
];
`;

function known(name) {
  const font = byName.get(name);
  return STAND_INS[lookOf(font)].flatMap((other) => {
    const instead = byName.get(other);
    const pairs = [['regular', font, instead]];
    if (font.variants['700'] && instead.variants['700']) pairs.push(['bold', font.variants['700'], instead.variants['700']]);
    return pairs.map(([weight, wanted, there]) => {
      const { fontFaces } = createFontStack([wanted, there], { fontFaceFormat: 'styleObject' });
      const { sizeAdjust, ascentOverride, descentOverride, lineGapOverride } = fontFaces[0]['@font-face'];
      return `        (${[name, other, weight, sizeAdjust, ascentOverride, descentOverride, lineGapOverride].map((x) => JSON.stringify(x ?? '')).join(', ')}),`;
    });
  });
}

if (process.argv[3] === '--known') {
  console.log(['Inter', 'Lato', 'Lobster', 'Lora', 'Montserrat', 'Open Sans', 'Playfair Display', 'Poppins', 'Roboto Mono'].flatMap(known).join('\n'));
} else {
  fs.writeFileSync(path.join(import.meta.dirname, 'measures.rs'), `//! Measures of fonts, written by \`generate.mjs\` from \`@capsizecss/metrics\` ${version}, which is under this licence:
//!
${licence.split('\n').map((text) => `//! ${text}`.trimEnd()).join('\n')}

use super::{Look, Measures, row};

${table('STAND_INS', 'Fonts that systems have.', [...new Set(Object.values(STAND_INS).flat())])}
${table('FAMILIES', 'Web fonts, by name.', FAMILIES)}`);
}
