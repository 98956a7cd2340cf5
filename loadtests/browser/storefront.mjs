// A running storefront as its visitors see it, straight and through Vitrine with every default on: page after page by
// its links, and then a product into the cart and on to the checkout. The console must not say anything new. The pages
// as the shop sent them are saved, for the second parser.
//
//   node storefront.mjs --origin URL --vitrine URL --folder DIR --also /cart,/login --product /p/1
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { parse } from './lib/args.mjs';
import { beside, each, look } from './lib/beside.mjs';
import { VIEWPORT, eventually, launch } from './lib/browser.mjs';

const args = parse({
  origin: '',
  vitrine: '',
  folder: '',
  // Addresses that no link leads to.
  also: '',
  // What is bought, and what has to be chosen of it first.
  product: '',
  choose: '',
  cart: '/cart',
  checkout: '/checkout',
  most: 32,
  parallel: 6,
});

// Fewer pages than any of the shops has.
const FEWEST_PAGES = 20;
// The name of the shop on both ways: some believe that they have one address, and call their API by it.
const SHOP = 'http://shop.localhost';
// What a page's scripts and its API may take before a shopper goes on.
const PAUSE_MS = 1000;
const ELSEWHERE = 'MAP * ~NOTFOUND, EXCLUDE 127.0.0.1';

const browserAt = (address) => launch({ args: [`--host-resolver-rules=MAP ${new URL(SHOP).host}:80 ${new URL(address).host}, ${ELSEWHERE}`] });

// Where the page's links lead within the shop. What ends a session or has a token in it is nobody's page.
const links = (page) =>
  page.evaluate((shop) => {
    const urls = [...document.querySelectorAll('a[href]')].map(({ href }) => new URL(href, location.href));
    return urls.filter((url) => url.origin === shop && !/log-?out/.test(url.pathname)).map((url) => url.pathname + url.search);
  }, SHOP);

function save(name, body) {
  const file = name.replaceAll(/[^a-z0-9]+/gi, '-').replaceAll(/^-|-$/g, '') || 'home';
  fs.writeFileSync(path.join(args.folder, `${file}.html`), body);
}

// Looks at the page as the shop sends it, saves it, and tells where it leads.
const straightTo = (context, address, name) =>
  look(context, SHOP + address, async (page, answer) => {
    if (answer?.headers()['content-type']?.startsWith('text/html')) save(name, await answer.body());
    return links(page);
  });

// The first page of a kind passes untouched: it is looked at again.
async function throughTo(context, address) {
  let seen = await look(context, SHOP + address);
  for (let again = 0; again < 3 && seen.layer.includes('first-view'); again += 1) seen = await look(context, SHOP + address);
  return seen;
}

// From the home page by its links, until there are enough pages.
async function crawl(straight, through) {
  const found = ['/', ...args.also.split(','), '/this-page-does-not-exist'];
  const seen = new Map();
  for (let round = found; round.length > 0; ) {
    const next = [];
    await each(round, args.parallel, async (address) => {
      const one = await beside(() => straightTo(straight, address, address), () => throughTo(through, address));
      seen.set(address, one);
      next.push(...one.before.found);
    });
    round = [...new Set(next)].filter((address) => !seen.has(address)).slice(0, args.most - seen.size);
  }
  return seen;
}

// A product into the cart. A click that comes before the page's own scripts does nothing, so it is tried again.
async function buy(context) {
  const page = await context.newPage();
  const click = async (name) => {
    await page.getByRole('button', { name, exact: true }).first().click();
    await page.waitForTimeout(PAUSE_MS);
  };
  await eventually(`${args.product} in the cart`, async () => {
    await page.goto(SHOP + args.product, { waitUntil: 'load' });
    await page.waitForTimeout(PAUSE_MS);
    const title = (await page.locator('h1').first().innerText()).trim();
    if (args.choose) await click(args.choose);
    await click(/^add to (cart|basket)$/i);
    await page.goto(SHOP + args.cart, { waitUntil: 'load' });
    return (await page.locator('body').innerText()).includes(title);
  }, { tries: 5 });
  await page.close();
}

test('no_page_of_a_running_storefront_says_anything_new_in_the_console', async () => {
  fs.rmSync(args.folder, { recursive: true, force: true });
  fs.mkdirSync(args.folder, { recursive: true });
  const [one, other] = [await browserAt(args.origin), await browserAt(args.vitrine)];
  const wrong = [];
  try {
    const [straight, through] = [await one.newContext({ viewport: VIEWPORT }), await other.newContext({ viewport: VIEWPORT })];
    const seen = await crawl(straight, through);
    await Promise.all([buy(straight), buy(through)]);
    for (const address of [args.cart, args.checkout]) {
      const name = `${address} with a product`;
      seen.set(name, await beside(() => straightTo(straight, address, name), () => throughTo(through, address)));
    }
    let rewritten = 0;
    for (const [address, page] of seen) {
      rewritten += Number(page.after.layer.includes('rewritten'));
      if (page.wrong.length > 0) wrong.push(`${address}: ${page.wrong.join('; ')}`);
    }
    const own = [...seen.values()].filter((page) => page.before.errors.length > 0).length;
    console.log(`${seen.size} pages seen straight and through, ${rewritten} of them rewritten; ${own} say something by themselves`);
    assert.deepEqual(wrong, []);
    assert.ok(seen.size >= FEWEST_PAGES, `${seen.size} pages`);
    assert.ok(rewritten >= seen.size / 2, `only ${rewritten} of ${seen.size} were rewritten`);
  } finally {
    await one.close();
    await other.close();
  }
});
