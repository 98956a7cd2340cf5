// Critical CSS and content-visibility in a real browser: a page looks and works as it did, at every moment.
import assert from 'node:assert/strict';
import path from 'node:path';
import test, { after, before } from 'node:test';

import { critical } from './critical.mjs';
import { parse } from './lib/args.mjs';
import { eventually, launch, watchConsole } from './lib/browser.mjs';
import { stand } from './lib/stand.mjs';

const args = parse({ vitrine: 'target/release/vitrine', manifest: 'spin.toml', port: 4340 });

const SCREENS = [{ width: 390, height: 844 }, { width: 820, height: 1100 }, { width: 1280, height: 800 }];

const BASE = `@layer reset, parts, late;
@layer parts { .card { padding: 12px; border: 1px solid teal; } .card h2 { color: teal; } }
@layer reset { * { box-sizing: border-box; margin: 0; } .card { border: 9px solid red; } }
@property --gap { syntax: '<length>'; inherits: true; initial-value: 18px; }
body { font: 16px/1.5 monospace; background: #fafafa url(dot.svg); }
.grid { display: grid; gap: var(--gap); padding: var(--gap); container-type: inline-size; }
.grid:has(.sale) .price { color: crimson; font-weight: bold; }
.card:not(.sold):nth-child(odd) { background: #eef; }
.card::after { content: '\u2192'; }
.menu { display: none; } .menu.open { display: block; background: gold; height: 60px; }
.never-on-this-page { display: flex; } .never:hover { color: red; }
a:hover { color: red; } a:focus-visible { outline: 4px solid blue; }
@container (min-width: 500px) { .card h2 { font-size: 30px; } }
@supports (display: grid) { .hero { display: grid; place-items: center; } }
@keyframes in { from { opacity: 1; } to { opacity: 1; } } .hero { animation: in 1s; height: 200px; background: #222; color: #fff; }
.swap { color: green; }`;
const WIDE = '@media (min-width: 800px) { .grid { grid-template-columns: repeat(3, 1fr); } .hero { height: 320px; } } .swap { color: purple; }';
const PHONE = '.hero { background: navy; } .only-wide { display: none; }';
const ORDER = '.swap { text-decoration: underline; color: orange; } .card .price { letter-spacing: 1px; }';
const css = (body) => ({ headers: { 'content-type': 'text/css', 'cache-control': 'no-store' }, body, until: held });
const cards = Array.from({ length: 6 }, (_, i) => `<div class="card"><h2>Vase ${i}</h2><p class="price${i === 2 ? ' sale' : ''}">${i} EUR</p></div>`);
const product = (head = '') => `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Vase</title>${head}
<link rel="stylesheet" href="/css/base.css"><link rel="stylesheet" href="/css/wide.css" media="screen"><link rel="stylesheet" href="/css/phone.css" media="(max-width: 600px)"><link rel="stylesheet" href="/css/order.css">
</head><body><nav class="menu">Menu</nav><div class="hero"><h1 class="swap">Vases</h1></div><p class="only-wide">Wide</p><div class="grid">${cards.join('')}</div><a href="/p/2">More</a></body></html>`;

// Reviews of which all but the first begin below the first screen, the last with what a visitor may look for.
const review = (i) => `<article class="review"><h2>Review ${i}</h2><p><a href="#r${i}" id="r${i}">Link ${i}</a> ${i === 39 ? 'a most unusual glaze' : 'fine'}</p></article>`;
const REVIEWS = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Reviews</title><style>body{margin:0;font:16px/1.5 monospace}.hero{height:1300px}.review{height:240px;box-sizing:border-box;border:1px solid}h2,p{margin:0}</style></head>
<body><div class="hero">Hero <a href="#r30" id="jump">to 30</a></div><main>${Array.from({ length: 40 }, (_, i) => review(i)).join('')}</main></body></html>`;

// While the sheets are held back: what they wait for.
let held = null;
function hold() {
  let release;
  held = new Promise((done) => { release = done; });
  return () => {
    held = null;
    release();
  };
}
let policy = null;
const DOT = '/css/dot.svg';
const SHEETS = { '/css/base.css': BASE, '/css/wide.css': WIDE, '/css/phone.css': PHONE, '/css/order.css': ORDER };
function shop(name) {
  if (SHEETS[name]) return css(SHEETS[name]);
  if (name === DOT) return { headers: { 'content-type': 'image/svg+xml' }, body: '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><circle cx="4" cy="4" r="1"/></svg>' };
  if (name === '/reviews') return { body: REVIEWS };
  return name.startsWith('/p/') ? { headers: policy ? { 'content-security-policy': policy } : {}, body: product() } : null;
}

let house;
let browser;
before(async () => {
  browser = await launch();
  house = await stand({
    vitrine: path.resolve(args.vitrine),
    manifest: path.resolve(args.manifest),
    port: args.port,
    shop,
    policy: async (origin) => {
      const made = await critical(browser, `${origin}/p/1`, { keep: 'open' });
      assert.deepEqual(made.warnings, []);
      assert.ok(!made.css.includes('never'), 'what can never apply is not in it');
      return {
        // The sheets are fetched anew each time: how long they take is what is tested.
        cache: { enabled: false },
        templates: [{ name: 'product', path: '/p/*' }],
        passes: {
          critical_css: { enabled: true, rules: [{ template: 'product', css: made.css }] },
          content_visibility: { enabled: true, rules: [{ selector: '.review', height: 240 }] },
        },
      };
    },
  });
});
after(async () => {
  await browser?.close();
  await house?.close();
});

// Tabs in which the image of the style has come.
const withDot = new WeakSet();
async function open(url, options, wait = 'load') {
  const context = await browser.newContext(options);
  const tab = await context.newPage();
  const errors = [];
  watchConsole(tab, errors);
  tab.on('requestfinished', (request) => {
    if (new URL(request.url()).pathname === DOT) withDot.add(tab);
  });
  await tab.addInitScript(() => {
    window.__shift = 0;
    new PerformanceObserver((list) => {
      for (const one of list.getEntries()) if (!one.hadRecentInput) window.__shift += one.value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await tab.goto(url, { waitUntil: wait });
  return { tab, errors, close: () => context.close() };
}

// With the image that the style names, inline or in a sheet: neither `DOMContentLoaded` nor `load` waits for it.
async function shot(tab) {
  await eventually('the image of the style', () => withDot.has(tab), { tries: 150 });
  return tab.screenshot({ fullPage: true, animations: 'disabled' });
}
// All but the style of the other pass.
const sheets = (tab) =>
  tab.evaluate(() => [...document.styleSheets].filter((sheet) => sheet.ownerNode.dataset.v !== 'content_visibility').map((sheet) => [sheet.href && new URL(sheet.href).pathname, sheet.media.mediaText]));
const switched = (tab) => tab.evaluate(() => document.querySelector('style[data-v="critical_css"]') === null);
const openMenu = (tab) => tab.evaluate(() => document.querySelector('.menu').classList.add('open'));

// One page, while its sheets are held back and after they came.
async function beforeAndAfter(viewport, change) {
  const width = `${viewport.width}px`;
  const straight = await open(`${house.origin}/p/1`, { viewport });
  await change(straight.tab);
  const wanted = await shot(straight.tab);
  const order = await sheets(straight.tab);
  // The menu that opens moves what is below it, with us and without.
  const own = await straight.tab.evaluate(() => window.__shift);
  await straight.close();
  const release = hold();
  try {
    const { tab, errors, close } = await open(`${house.through}/p/1`, { viewport }, 'domcontentloaded');
    await change(tab);
    const early = await shot(tab);
    assert.equal(await switched(tab), false, `${width}: the sheets are not there yet`);
    assert.ok(early.equals(wanted), `${width}: before the sheets are there`);
    const painted = await tab.evaluate(() => performance.getEntriesByName('first-contentful-paint').length);
    assert.equal(painted, 1, `${width}: painted without waiting for the sheets`);
    release();
    await eventually('the sheets', () => switched(tab));
    assert.ok((await shot(tab)).equals(wanted), `${width}: afterwards`);
    assert.deepEqual(await sheets(tab), order, `${width}: the same sheets in the same order, and no other`);
    const shift = await tab.evaluate(() => window.__shift);
    assert.ok(shift - own <= 0.01, `${width}: ${shift} moved, ${own} without us`);
    assert.deepEqual(errors, []);
    await close();
  } finally {
    release();
  }
}

test('h54_a_page_looks_the_same_before_and_after_its_sheets_are_there', async () => {
  for (const viewport of SCREENS) {
    for (const change of [async () => {}, openMenu]) await beforeAndAfter(viewport, change);
  }
});

test('h54_without_scripts_the_sheets_load_as_ever', async () => {
  const viewport = SCREENS[2];
  const straight = await open(`${house.origin}/p/1`, { viewport, javaScriptEnabled: false });
  const through = await open(`${house.through}/p/1`, { viewport, javaScriptEnabled: false });
  assert.ok((await shot(through.tab)).equals(await shot(straight.tab)));
  await straight.close();
  await through.close();
});

test('h47_under_every_policy_a_page_is_styled', async () => {
  const viewport = SCREENS[2];
  const straight = await open(`${house.origin}/p/1`, { viewport });
  const wanted = await shot(straight.tab);
  await straight.close();
  for (const [given, inserts] of [
    ["default-src 'self'", false],
    ["script-src 'none'", false],
    ["default-src 'self'; style-src 'self' 'unsafe-inline'", true],
    ["default-src 'self' 'nonce-r4nd0m'; img-src 'self'", true],
    ["script-src 'nonce-r4nd0m' 'strict-dynamic'", true],
    ["require-trusted-types-for 'script'", true],
  ]) {
    policy = given;
    const response = await (await fetch(`${house.through}/p/1`, { headers: { accept: 'text/html' } })).text();
    assert.equal(response.includes('data-v="critical_css"'), inserts, given);
    assert.ok(!/\son[a-z]+=/.test(response), `${given}: no event attributes`);
    const { tab, errors, close } = await open(`${house.through}/p/1`, { viewport });
    await eventually(`${given}: the sheets`, () => switched(tab));
    assert.ok((await shot(tab)).equals(wanted), given);
    assert.deepEqual(errors, [], given);
    await close();
  }
  policy = null;
});

const drawn = (tab) => tab.evaluate(() => [...document.querySelectorAll('.review h2')].filter((one) => one.checkVisibility({ contentVisibilityAuto: true })).length);

// Where the page is after a visitor's act, and what is there.
async function behaviour(base) {
  const { tab, errors, close } = await open(`${base}/reviews`, { viewport: SCREENS[2] });
  const seen = { atFirst: await drawn(tab), height: await tab.evaluate(() => document.documentElement.scrollHeight) };
  seen.found = await tab.evaluate(() => window.find('a most unusual glaze'));
  await tab.waitForTimeout(300);
  seen.foundAt = await tab.evaluate(() => {
    const place = getSelection().getRangeAt(0).getBoundingClientRect();
    return place.top >= 0 && place.bottom <= innerHeight;
  });
  await tab.evaluate(() => scrollTo(0, 0));
  await tab.locator('#jump').click();
  await tab.waitForTimeout(300);
  seen.jumpedTo = await tab.evaluate(() => Math.round(document.querySelector('#r30').getBoundingClientRect().top));
  await tab.goto(`${base}/reviews#r20`);
  await tab.waitForTimeout(300);
  seen.openedAt = await tab.evaluate(() => Math.round(document.querySelector('#r20').getBoundingClientRect().top));
  await tab.goto('about:blank');
  await tab.goto(`${base}/reviews`);
  seen.tabs = [];
  for (let i = 0; i < 12; i += 1) {
    await tab.keyboard.press('Tab');
    seen.tabs.push(await tab.evaluate(() => document.activeElement.id));
  }
  await tab.evaluate(() => { window.__shift = 0; });
  for (let y = 0; y < 11_000; y += 500) {
    await tab.mouse.wheel(0, 500);
    await tab.waitForTimeout(30);
  }
  seen.shift = await tab.evaluate(() => window.__shift);
  await tab.emulateMedia({ media: 'print' });
  await tab.waitForTimeout(500);
  seen.onPaper = await drawn(tab);
  seen.errors = errors;
  await close();
  return seen;
}

test('h59_what_is_not_drawn_is_found_reached_and_printed_all_the_same', async () => {
  const straight = await behaviour(house.origin);
  const through = await behaviour(house.through);
  assert.equal(straight.atFirst, 40, 'without us everything is drawn');
  assert.ok(through.atFirst < 20, `${through.atFirst} of 40 reviews are drawn at first`);
  assert.deepEqual({ ...through, atFirst: 0 }, { ...straight, atFirst: 0 });
  assert.equal(through.onPaper, 40);
  assert.ok(through.found && through.foundAt);
});
