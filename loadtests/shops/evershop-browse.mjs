// EverShop in Chromium, straight and through Vitrine: the same visible text, no new console error, a cart that works.
//
//   node loadtests/shops/evershop-browse.mjs [vitrine, default http://127.0.0.1:4000] [shop, default http://127.0.0.1:3100]
//
// The shop's pages call its API by the address that it believes it has, as every shop does in production. The
// browser knows the shop by that name on both ways; only where it finds it differs.
import { publicUrl } from './base.mjs';
import { Chromium } from './chromium.mjs';

const vitrine = process.argv[2] ?? 'http://127.0.0.1:4000';
const shop = process.argv[3] ?? 'http://127.0.0.1:3100';
const PRODUCT = '/accessories/ceramic-coffee-cup-white';
const NAME = 'Ceramic Coffee Cup - White';
const BADGE = '[aria-label^="Shopping cart with"]';
const button = (words) => `[...document.querySelectorAll('button')].find((b) => ${words}.test(b.innerText.trim()))`;
const badge = `document.querySelector('${BADGE}')?.getAttribute('aria-label')`;

/** The way of one shopper: what they see on each page, and what the console says. */
async function walk(address) {
  const known = new URL(publicUrl);
  const browser = new Chromium({ hosts: { [`${known.hostname}:${known.port || 80}`]: new URL(address).host } });
  try {
    const page = await browser.page();
    const seen = {};
    for (const [name, path] of [['home', '/'], ['category', '/accessories'], ['product', PRODUCT]]) {
      await page.goto(publicUrl + path);
      seen[name] = await page.text();
    }
    await page.evaluate(`${button('/^White$/')}.click()`);
    await page.quiet();
    await page.evaluate(`${button('/^add to cart$/i')}.click()`);
    await page.until(`${badge} === 'Shopping cart with 1 items'`);
    await page.quiet();
    seen.added = await page.text();
    await page.goto(`${publicUrl}/cart`);
    seen.cart = await page.text();
    const errors = [...page.errors];
    return { seen, errors, api: address === shop ? null : await throughApi(page) };
  } finally {
    await browser.close();
  }
}

/** The same cart through the API that every shop has, with the page's own cookies. */
async function throughApi(page) {
  const cart = await page.evaluate(`fetch('/_v/cart').then((r) => r.json())`);
  const line = JSON.stringify(`/_v/cart/items/${cart.line_items[0]?.id}`);
  const status = await page.evaluate(
    `fetch(${line}, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '{"quantity":3}' }).then((r) => r.status)`,
  );
  await page.goto(`${publicUrl}/cart`);
  return { cart, status, badge: await page.evaluate(badge) };
}

let failures = 0;
function check(what, condition, note) {
  if (!condition) failures += 1;
  process.stdout.write(`${condition ? 'ok  ' : 'FAIL'} ${what}: ${note}\n`);
}

function difference(a, b) {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return `at ${at}: "${a.slice(at, at + 80)}" straight, "${b.slice(at, at + 80)}" through Vitrine`;
}

try {
  const straight = await walk(shop);
  const through = await walk(vitrine);
  for (const name of ['home', 'category', 'product', 'added', 'cart']) {
    const [a, b] = [straight.seen[name], through.seen[name]];
    const same = a === b && a.length > 100;
    check(`${name}: the same visible text`, same, same ? `${a.length} characters` : difference(a, b));
  }
  check('the cart has the product', through.seen.cart.includes(NAME), NAME);
  const fresh = through.errors.filter((error) => !straight.errors.includes(error));
  check('no console error that the shop alone does not give', fresh.length === 0, fresh.length ? fresh.join(' | ') : `${straight.errors.length} of its own`);
  const { cart, status, badge: counted } = through.api;
  check('/_v/cart is the same cart', cart.line_items.length === 1 && cart.line_items[0].item.title === NAME, JSON.stringify(cart.totals));
  check('and a change there shows in the shop', status === 200 && counted === 'Shopping cart with 3 items', `${status}, ${counted}`);
} catch (error) {
  check('the walk', false, error.stack);
}
process.stdout.write(failures === 0 ? 'all passed\n' : `${failures} failed\n`);
process.exit(failures === 0 ? 0 : 1);
