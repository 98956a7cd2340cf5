// What visits have shown of images, done to the pages of a shop of photographs, and looked at in a browser: nothing
// that is seen is lazy, the largest image comes first and once, and pictures that scripts change still change.
//
//   node --test loadtests/browser/images.mjs      (or with --vitrine BINARY --manifest FILE)
import assert from 'node:assert/strict';
import path from 'node:path';
import test, { after, before } from 'node:test';

import { parse } from './lib/args.mjs';
import { eventually, launch } from './lib/browser.mjs';
import { SCREENS, collect } from './lib/hints.mjs';
import { BELOW, PAGES, answers } from './lib/photo-shop.mjs';
import { stand } from './lib/stand.mjs';

const args = parse({ vitrine: 'target/release/vitrine', manifest: 'spin.toml', port: 4350, visits: 73 });
const TOKEN = 'lab-operator-token';
const BOTH = ['phone', 'desktop'];
const ALL = Object.values(PAGES).flat();
// An instance goes by what it has read of a template for 30 s.
const KEPT_MS = 31_000;
// Chromium says that a preload was for nothing a few seconds after `load`.
const WARNING_MS = 6000;

let shop;
let browser;
// When every instance knows what views have shown.
let known;

before(async () => {
  const templates = Object.entries({ home: '/', product: '/p/*', category: '/c/*' }).map(([name, path]) => ({ name, path }));
  const policy = { images: { enabled: false }, templates };
  shop = await stand({ vitrine: path.resolve(args.vitrine), manifest: path.resolve(args.manifest), port: args.port, shop: answers(), policy, token: TOKEN });
  browser = await launch();
  // From the shop itself, so that no instance has read of a template before there is something to read. 73 views are
  // the fewest that prove 95 %.
  const hints = await collect(browser, shop.origin, PAGES, { visits: args.visits, screens: BOTH, say: console.log });
  const answer = await fetch(`${shop.through}/_v/hints`, { method: 'PUT', headers: { authorization: `Bearer ${TOKEN}` }, body: JSON.stringify(hints) });
  assert.equal(answer.status, 200);
  const report = await answer.json();
  assert.deepEqual(report.warnings, []);
  // What the preload of the category says is known from two views before, and from then on kept.
  for (let i = 0; i < 2; i += 1) await (await visit(shop.through, '/c/all', 'phone')).close();
  known = new Promise((done) => setTimeout(done, KEPT_MS));
});

after(async () => {
  await browser?.close();
  await shop?.close();
});

// One visit: what was asked for, how urgently, and what the console said.
async function visit(base, to, screen, { wait = 300 } = {}) {
  const context = await browser.newContext(SCREENS[screen]);
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  const [requests, said] = [[], []];
  session.on('Network.requestWillBeSent', ({ request }) => requests.push({ path: new URL(request.url).pathname, priority: request.initialPriority }));
  session.on('Log.entryAdded', ({ entry }) => said.push(entry.text));
  page.on('console', (message) => said.push(message.text()));
  await session.send('Network.enable');
  await session.send('Log.enable');
  await page.goto(new URL(to, base).href, { waitUntil: 'load' });
  await page.waitForTimeout(wait);
  const of = (name) => requests.filter((one) => one.path === name);
  return { page, of, requests, said, close: () => context.close() };
}

const lazies = (page) => page.$$eval('img[loading=lazy]', (all) => all.map((one) => ({ path: new URL(one.src).pathname, top: one.getBoundingClientRect().top, screen: innerHeight })));

test('h60_what_lies_below_is_lazy_and_nothing_of_a_first_screen_is', async () => {
  for (const screen of BOTH) {
    for (const path of ALL) {
      const { page, close } = await visit(shop.through, path, screen);
      const seen = await lazies(page);
      assert.equal(seen.length, BELOW, `${path}, ${screen}: the grid below is lazy`);
      for (const { path: address, top, screen: height } of seen) assert.ok(top >= height, `${path}, ${screen}: ${address} is lazy at ${top} of ${height}`);
      await close();
    }
  }
});

test('h61_lazy_images_are_asked_for_when_the_visitor_comes_near_and_not_before', async () => {
  for (const screen of BOTH) {
    const straight = await visit(shop.origin, '/p/3', screen);
    assert.equal(straight.of('/photo/25.jpg').length, 1, 'without Vitrine it comes at once');
    await straight.close();
    const { page, of, close } = await visit(shop.through, '/p/3', screen, { wait: 1500 });
    assert.equal(of('/photo/25.jpg').length, 0, screen);
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await eventually('the image', () => of('/photo/25.jpg').length === 1);
    await close();
  }
});

test('h62_the_largest_image_is_asked_for_once_and_first', async () => {
  for (const [path, address] of [['/', '/photo/0.jpg'], ['/p/3', '/photo/3.jpg'], ['/p/6', '/photo/6.jpg']]) {
    for (const screen of BOTH) {
      const straight = await visit(shop.origin, path, screen);
      assert.notEqual(straight.of(address)[0].priority, 'High', `${path}, ${screen}: without Vitrine`);
      await straight.close();
      const { page, of, requests, close } = await visit(shop.through, path, screen);
      assert.deepEqual(of(address), [{ path: address, priority: 'High' }], `${path}, ${screen}`);
      const urgent = requests.filter((one) => one.path.startsWith('/photo/') && one.priority === 'High');
      assert.equal(urgent.length, 1, `${path}, ${screen}: ${JSON.stringify(urgent)}`);
      assert.equal(await page.$$eval('[fetchpriority=high]', (all) => all.length), 1);
      await close();
    }
  }
});

test('h63_slides_that_are_hidden_are_low_and_there_when_they_are_turned_to', async () => {
  for (const screen of BOTH) {
    const { page, of, close } = await visit(shop.through, '/', screen, { wait: 1500 });
    assert.deepEqual(of('/photo/1.jpg'), [{ path: '/photo/1.jpg', priority: 'Low' }], screen);
    const slide = await page.$eval('.track img:nth-child(2)', (one) => ({ lazy: one.hasAttribute('loading'), priority: one.fetchPriority, there: one.complete && one.naturalWidth > 0 }));
    assert.deepEqual(slide, { lazy: false, priority: 'low', there: true }, screen);
    await page.click('#next');
    await eventually('the slide', () => page.$eval('.track img:nth-child(2)', (one) => Math.abs(one.getBoundingClientRect().left) < 1));
    await close();
  }
});

test('h64_an_image_that_differs_by_screen_is_preloaded_once_and_used', async () => {
  await known;
  await Promise.all([
    preloadForNothingIsHeard(),
    ...BOTH.map(chosenIsPreloaded),
  ]);
});

async function preloadForNothingIsHeard() {
  const { said, close } = await visit(shop.origin, '/wasteful', 'desktop', { wait: WARNING_MS });
  assert.ok(said.some((text) => text.includes('preloaded')), `a preload for nothing is heard: ${said}`);
  await close();
}

async function chosenIsPreloaded(screen) {
  const straight = await visit(shop.origin, '/c/all', screen);
  const largest = () => (screen === 'phone' ? '.banner-phone' : '.banner-wide img');
  const chosen = await straight.page.$eval(largest(), (one) => new URL(one.currentSrc).pathname);
  await straight.close();
  const { page, of, said, requests, close } = await visit(shop.through, '/c/all', screen, { wait: WARNING_MS });
  assert.equal(await page.$$eval('link[rel=preload]', (all) => all.length), 3, 'one for phones, two for the picture on desktops');
  assert.deepEqual(of(chosen), [{ path: chosen, priority: 'High' }], `${screen}: ${JSON.stringify(requests)}`);
  assert.equal(await page.$eval(largest(), (one) => new URL(one.currentSrc).pathname), chosen);
  assert.equal(requests.filter((one) => one.path.startsWith('/photo/') && one.priority === 'High').length, 1, screen);
  const names = requests.map((one) => one.path);
  assert.equal(new Set(names).size, names.length, `${screen}: nothing is asked for twice: ${names}`);
  assert.deepEqual(said.filter((text) => text.includes('preload')), [], screen);
  await close();
}

test('h66_a_swatch_still_changes_the_picture', async () => {
  for (const screen of BOTH) {
    const { page, close } = await visit(shop.through, '/p/3', screen);
    const shown = () => page.$eval('.photo img', (one) => (one.complete && one.naturalWidth > 0 ? new URL(one.currentSrc).pathname : ''));
    assert.equal(await shown(), '/photo/3.jpg');
    const before = await page.locator('.photo img').screenshot();
    await page.click('.swatch:nth-child(2)');
    await eventually('the other picture', async () => (await shown()) === '/photo/5.jpg');
    assert.notDeepEqual(await page.locator('.photo img').screenshot(), before, 'another picture is seen');
    await close();
  }
});
