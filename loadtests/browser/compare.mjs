// Before and after: visits the shop and the same shop through Vitrine in turns, prints medians, writes a report.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse } from './lib/args.mjs';
import { launch } from './lib/browser.mjs';
import { CONDITIONS, film, median, visit } from './lib/measure.mjs';
import { htmlReport } from './lib/report.mjs';
import { MEASURES, textTable } from './lib/table.mjs';
import { warm } from './lib/warm.mjs';

const MOMENTS = [500, 1000, 1500, 2000, 3000, 5000];
// A visitor of the holdback gets the shop as it is; such a visit says nothing about the layer and is made again.
const HELD_TRIES = 8;

const args = parse({
  origin: 'http://127.0.0.1:3000',
  vitrine: 'http://127.0.0.1:4000',
  pages: 'Home=/,Category=/c/ceramics,Product=/p/tidewater-vase',
  visits: 5,
  out: 'target/compare/report.html',
});
const pages = args.pages.split(',').map((pair) => {
  const at = pair.indexOf('=');
  return { page: pair.slice(0, at), path: pair.slice(at + 1) };
});
const say = (text) => process.stderr.write(`${text}\n`);

async function treated(browser, url) {
  for (let i = 0; i < HELD_TRIES; i += 1) {
    const seen = await visit(browser, url);
    if (!seen.held) return seen;
  }
  throw new Error(`${url}: every visitor was held back; is holdback.percent too high?`);
}

function summary(visits) {
  const all = Object.fromEntries(MEASURES.map(({ key }) => [key, median(visits.map((one) => one[key]))]));
  return { ...all, errors: Math.max(...visits.map((one) => one.errors.length)) };
}

const browser = await launch();
say('warming up: Vitrine makes its image variants after the first visit');
const warmed = await warm(args.vitrine, pages.map(({ path }) => path), say);
const rows = [];
for (const { page, path } of pages) {
  const visits = { origin: [], vitrine: [] };
  const [straight, through] = [new URL(path, args.origin).href, new URL(path, args.vitrine).href];
  await visit(browser, straight);
  await treated(browser, through);
  for (let i = 0; i < args.visits; i += 1) {
    visits.origin.push(await visit(browser, straight));
    visits.vitrine.push(await treated(browser, through));
    say(`${page}: visit ${i + 1} of ${args.visits}: LCP ${Math.round(visits.origin[i].lcp)} ms straight, ${Math.round(visits.vitrine[i].lcp)} ms through Vitrine`);
  }
  const bad = [...visits.origin, ...visits.vitrine].find((one) => one.status !== 200);
  if (bad) throw new Error(`${path}: answered ${bad.status}`);
  const films = { origin: await film(browser, straight, MOMENTS), vitrine: await film(browser, through, MOMENTS) };
  rows.push({ page, path, visits, films, before: summary(visits.origin), after: summary(visits.vitrine) });
}
const version = browser.version();
await browser.close();

const out = resolve(args.out);
mkdirSync(dirname(out), { recursive: true });
writeFileSync(out, htmlReport({ rows, origin: args.origin, vitrine: args.vitrine, conditions: CONDITIONS, warmed, made: `Chromium ${version}.` }));
const plain = rows.map(({ films, ...row }) => row);
writeFileSync(out.replace(/\.html$/, '.json'), `${JSON.stringify({ conditions: CONDITIONS, chromium: version, warmed, rows: plain }, null, 1)}\n`);
console.log(textTable(rows));
console.log(`\nreport: ${out}`);
