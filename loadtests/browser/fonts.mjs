// Google Fonts from the shop's own address, in a real browser: each page straight from the
// shop and through Vitrine. Google is a stand-in here, with the font files of a package.
//
//   node --test loadtests/browser/fonts.mjs      (or with --vitrine BINARY --manifest FILE)
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import test, { after, before } from 'node:test';

import { parse } from './lib/args.mjs';
import { VIEWPORT, eventually, launch, watchConsole } from './lib/browser.mjs';
import { stand } from './lib/stand.mjs';
import { vendors } from './lib/vendors.mjs';

const args = parse({ vitrine: 'target/release/vitrine', manifest: 'spin.toml', port: 4360 });

const packaged = (file) => fs.readFileSync(path.join(import.meta.dirname, 'node_modules', file));

// The package names its files by their alphabets, as Google's sheet does in comments.
const LOBSTER = '@fontsource/lobster';
const RANGES = JSON.parse(packaged(`${LOBSTER}/unicode.json`));
const file = (alphabet) => `/s/lobster/v32/neILzCirqoswsqX9_${alphabet}.woff2`;
const face = (display) => ([alphabet, range]) => `/* ${alphabet} */
@font-face {
  font-family: 'Lobster';
  font-style: normal;
  font-weight: 400;
  font-display: ${display};
  src: url(https://fonts.gstatic.com${file(alphabet)}) format('woff2');
  unicode-range: ${range};
}
`;
const sheet = (display) => Object.entries(RANGES).map(face(display)).join('');
const FILES = new Map(Object.keys(RANGES).map((alphabet) => [file(alphabet), packaged(`${LOBSTER}/files/lobster-${alphabet}-400-normal.woff2`)]));

// What either host of Google's has at a path.
function google(url) {
  if (url.pathname === '/css2') return { headers: { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'private, max-age=86400' }, body: sheet(url.searchParams.get('display')) };
  const body = FILES.get(url.pathname);
  return body ? { headers: { 'content-type': 'font/woff2', 'cache-control': 'public, max-age=31536000' }, body } : null;
}

const html = (title, head, body) => ({
  body: `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>${head}</head><body>${body}</body></html>`,
});
const link = (query) => `<link rel="preconnect" href="https://fonts.googleapis.com"><link rel="preconnect" href="https://fonts.gstatic.com" crossorigin><link rel="stylesheet" href="https://fonts.googleapis.com/css2?family=Lobster&amp;${query}">`;
const text = (head) => html('Vases', `${head}<style>body{font:48px Lobster,monospace}</style>`, '<h1>Tidewater vase</h1><p>Ваза на столе</p>');

// A page of text whose web font comes late: its lists of fonts are in the shop's own sheets.
const PROSE = 'Thrown by hand from stoneware of the valley, fired twice and glazed in the green of the river in spring. No two are the same, and each is signed below the foot. '.repeat(4);
const LATER = { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'public, max-age=600', etag: '"1"' };
const STYLE = 'body{margin:20px;max-width:700px;font:22px Lobster,sans-serif}h1{font-family:"Lobster",sans-serif;font-size:2.4em}@media(max-width:600px){body{font-size:24px}h1{font-size:52px}}';
const OWN_FACE = `@font-face{font-family:Lobster;font-display:swap;src:url(/lobster.woff2)}${STYLE}`;
const prose = (head) => html('Vases', head, `<h1>Vases from the Tidewater pottery</h1><p>${PROSE}</p><h2>How it is made</h2><p>${PROSE}</p><footer>Tidewater</footer>`);

const PAGES = {
  '/linked': prose(`${link('display=swap')}<link rel="stylesheet" href="/css/linked.css">`),
  '/css/linked.css': { headers: LATER, body: STYLE },
  '/loaded': prose('<link rel="stylesheet" href="/css/loaded.css">'),
  '/css/loaded.css': { headers: LATER, body: OWN_FACE },
  '/lobster.woff2': { headers: { 'content-type': 'font/woff2', 'cache-control': 'no-store' }, body: packaged(`${LOBSTER}/files/lobster-latin-400-normal.woff2`) },
  '/own': text(link('display=block')),
  '/elsewhere': text(link('display=block&amp;subset=cyrillic')),
  '/without': text(''),
};

let shop;
let strangers;
let googles;
let browser;
// What the adapter has asked Google for.
const fetched = [];
let isDown = false;

before(async () => {
  strangers = await vendors(args.port + 2, (_, url) => google(url));
  googles = http.createServer((request, response) => {
    fetched.push(request.url);
    const found = isDown ? null : google(new URL(request.url, 'http://x'));
    if (!found) return response.writeHead(isDown ? 503 : 404).end();
    return response.writeHead(200, found.headers).end(found.body);
  });
  await new Promise((done) => googles.listen(args.port + 3, '127.0.0.1', done));
  const address = `http://127.0.0.1:${args.port + 3}`;
  shop = await stand({
    vitrine: path.resolve(args.vitrine),
    manifest: path.resolve(args.manifest),
    port: args.port,
    // A browser whose requests are looked at asks for everything anew.
    shop: (name, { headers }) => (headers['if-none-match']?.includes('"1"') ? { status: 304, headers: LATER } : PAGES[name] ?? null),
    policy: { passes: { google_fonts: { enabled: true }, font_fallback_metrics: { enabled: true } } },
    settings: { font_sheets: address, font_files: address },
  });
  browser = await launch({ args: strangers.switches });
});

after(async () => {
  await browser?.close();
  await shop?.close();
  await strangers?.close();
  googles?.closeAllConnections();
  googles?.close();
});

// One visit: where its text is drawn from, and how it looks.
async function visit(base, name, options = {}) {
  const context = await browser.newContext({ viewport: VIEWPORT, ...options });
  const page = await context.newPage();
  const [errors, asked] = [[], []];
  watchConsole(page, errors);
  page.on('request', (request) => asked.push(new URL(request.url())));
  const before = strangers.hits.length;
  await page.goto(base + name, { waitUntil: 'load' });
  const fonts = await page.evaluate(async () => {
    await document.fonts.ready;
    return {
      check: document.fonts.check('48px Lobster', 'Tidewater') && document.fonts.check('48px Lobster', 'Ваза'),
      faces: [...document.fonts].filter(({ family }) => !family.includes('v-fallback')).map(({ family, weight, style, display, unicodeRange, status }) => ({ family, weight, style, display, unicodeRange, status })),
      connects: document.querySelectorAll('link[rel=preconnect][href]').length,
    };
  });
  const picture = await page.screenshot({ fullPage: true, animations: 'disabled' });
  const atGoogle = strangers.hits.slice(before).map(({ url }) => url.host + url.pathname);
  return { page, errors, asked, fonts, picture, atGoogle, close: () => context.close() };
}

async function seen(base, name) {
  const { close, page, ...rest } = await visit(base, name);
  await close();
  return rest;
}

test('h57_text_has_its_typeface_from_the_shop_itself_and_google_is_not_asked', async () => {
  const straight = await seen(shop.origin, '/own');
  const without = await seen(shop.origin, '/without');
  assert.equal(straight.atGoogle.length, 3, 'without Vitrine, the sheet and the files of two alphabets are Google\'s');
  assert.ok(!straight.picture.equals(without.picture), 'the typeface can be seen');
  for (const round of ['first', 'from the cache']) {
    const known = fetched.length;
    const through = await seen(shop.through, '/own');
    assert.deepEqual(through.atGoogle, [], round);
    assert.deepEqual(through.asked.filter((url) => url.origin !== shop.through).map(String), [], round);
    const files = through.asked.map((url) => url.pathname).filter((name) => name.startsWith('/_v/fonts/s/'));
    assert.deepEqual(files.sort(), ['cyrillic', 'latin'].map((alphabet) => `/_v/fonts${file(alphabet)}`), round);
    assert.ok(through.fonts.check && straight.fonts.check, round);
    assert.equal(through.fonts.connects, 0, round);
    assert.deepEqual(through.fonts.faces, straight.fonts.faces, `${round}: every face, its alphabet and its display`);
    assert.equal(through.fonts.faces.filter(({ status }) => status === 'loaded').length, 2, round);
    assert.ok(through.picture.equals(straight.picture), `${round}: the same picture`);
    assert.deepEqual(through.errors, [], round);
    assert.equal(fetched.length - known, round === 'first' ? 3 : 0, `${round}: ${fetched.slice(known)}`);
  }
  for (const [name, bytes] of FILES) {
    const answer = await fetch(`${shop.through}/_v/fonts${name}`);
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(bytes), `${name}: the very same bytes`);
  }
});

test('h57_where_vitrine_cannot_reach_google_the_browser_still_does', async () => {
  isDown = true;
  const straight = await seen(shop.origin, '/elsewhere');
  const through = await seen(shop.through, '/elsewhere');
  isDown = false;
  assert.equal(straight.atGoogle.length, 3);
  assert.deepEqual(through.atGoogle.sort(), straight.atGoogle.sort());
  assert.deepEqual(through.fonts.faces, straight.fonts.faces);
  assert.ok(through.picture.equals(straight.picture));
  assert.deepEqual(through.errors, []);
});

// One visit whose web fonts come when all else has been seen for a while: how much moves then.
async function late(url, options) {
  const context = await browser.newContext({ viewport: VIEWPORT, ...options });
  const page = await context.newPage();
  const errors = [];
  watchConsole(page, errors);
  let come;
  const wait = new Promise((done) => { come = done; });
  await page.route('**/*.woff2', async (route) => {
    await wait;
    await route.continue();
  });
  await page.addInitScript(() => {
    window.__shift = 0;
    new PerformanceObserver((list) => {
      for (const one of list.getEntries()) if (!one.hadRecentInput) window.__shift += one.value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto(url, { waitUntil: 'domcontentloaded' });
  const places = () => page.evaluate(() => new Promise((done) => {
    const measure = () => done([...document.querySelectorAll('h1,p,h2,footer')].map((part) => part.getBoundingClientRect()).map(({ top, height }) => [top, height]));
    // Two frames on, what has been painted has been reported.
    setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(measure)), 700);
  }));
  const before = await places();
  const unmoved = await page.evaluate(() => window.__shift);
  come();
  await page.evaluate(() => document.fonts.ready);
  const after = await places();
  const { shift, loaded } = await page.evaluate(() => ({ shift: window.__shift, loaded: [...document.fonts].filter((face) => face.family.replaceAll('"', '') === 'Lobster' && face.status === 'loaded').length }));
  const picture = await page.screenshot({ fullPage: true, animations: 'disabled' });
  await context.close();
  assert.equal(loaded, 1, `${url}: the web font has come`);
  assert.equal(unmoved, 0, `${url}: nothing moves before it`);
  return { shift, before, after, picture, errors };
}

// What pages link is changed from the twentieth view on.
async function learned(page, css) {
  for (let i = 0; i < 20; i += 1) await (await fetch(shop.through + page, { headers: { accept: 'text/html' } })).text();
  await eventually(`${css} with stand-ins`, async () => {
    // Each coding is a sheet of its own: this is the browser's.
    const answer = await fetch(shop.through + css, { headers: { 'sec-fetch-dest': 'style', 'accept-encoding': 'gzip, deflate, br, zstd' } });
    return (await answer.text()).includes('v-fallback');
  });
}

async function moves(page) {
  await learned(page, `/css${page}.css`);
  for (const viewport of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
    const straight = await late(shop.origin + page, { viewport });
    const through = await late(shop.through + page, { viewport });
    const place = `${page} at ${viewport.width}: ${straight.shift.toFixed(4)} straight, ${through.shift.toFixed(4)} through Vitrine`;
    console.log(place);
    assert.ok(straight.shift > 0.02, place);
    assert.ok(through.shift < 0.001, place);
    assert.deepEqual(through.after, straight.after, `${place}: in the end all is where it was`);
    assert.ok(through.picture.equals(straight.picture), `${place}: and looks as it did`);
    assert.deepEqual(through.errors, [], place);
  }
}

test('h58_nothing_moves_when_a_font_comes_that_the_page_links_at_google_fonts', () => moves('/linked'));

test('h58_nothing_moves_when_a_font_comes_that_a_sheet_of_the_shop_loads', () => moves('/loaded'));
