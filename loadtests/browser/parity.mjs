// The same shop, twice: what a visitor reads must be equal, the console no worse, and the cart must work.
import { parse } from './lib/args.mjs';
import { VIEWPORT, eventually, launch, watchConsole } from './lib/browser.mjs';

// How the demo shop is walked. `settled` says when a page shows its final text.
const shop = {
  pages: ['/', '/c/ceramics', '/p/tidewater-vase', '/p/rust-cushion'],
  product: '/p/ember-mug',
  cart: '/cart',
  settled: (page) => page.waitForFunction(() => !document.body.innerText.includes('Reviews are loading')),
  async add(page) {
    await Promise.all([page.waitForURL('**/cart'), page.click('form.buy button')]);
  },
  inCart: (text) => text.includes('Ember mug') && text.includes('$24.00'),
  counted: (page) => page.locator('[aria-label="Cart with 1 item"]').count(),
  async change(page) {
    await page.fill('form[action="/cart/update"] input[name=quantity]', '3');
    await Promise.all([page.waitForResponse('**/cart'), page.click('form[action="/cart/update"] button')]);
    await page.waitForLoadState('load');
  },
  changed: (text) => text.includes('$72.00'),
  async remove(page) {
    await Promise.all([page.waitForResponse('**/cart'), page.click('form[action="/cart/remove"] button')]);
    await page.waitForLoadState('load');
  },
  removed: (text) => text.includes('It is empty'),
};

const args = parse({ origin: 'http://127.0.0.1:3000', vitrine: 'http://127.0.0.1:4000' });
const failures = [];
const check = (name, good, detail = '') => {
  console.log(`${good ? 'ok  ' : 'FAIL'} ${name}${good || !detail ? '' : `\n     ${detail}`}`);
  if (!good) failures.push(name);
};

// Addresses differ between the two sides and are not what a visitor came to read.
const normal = (text) => text.replace(/https?:\/\/(127\.0\.0\.1|localhost):\d+/g, '').replace(/\s+/g, ' ').trim();

async function side(browser, base) {
  const context = await browser.newContext({ viewport: VIEWPORT });
  const page = await context.newPage();
  const errors = [];
  watchConsole(page, errors);
  const read = async (path) => {
    errors.length = 0;
    const answer = await page.goto(new URL(path, base).href, { waitUntil: 'load' });
    await shop.settled(page);
    // Long enough for scripts that wait for an idle visitor.
    await page.waitForTimeout(4500);
    return { status: answer.status(), text: normal(await page.evaluate(() => document.body.innerText)), title: await page.title(), errors: errors.map(normal) };
  };
  return { base, context, page, read };
}

const newErrors = (before, after) => after.filter((error) => !before.includes(error));

const browser = await launch();
const origin = await side(browser, args.origin);
const vitrine = await side(browser, args.vitrine);
for (const path of shop.pages) {
  const before = await origin.read(path);
  const after = await vitrine.read(path);
  check(`${path}: answers 200 on both sides`, before.status === 200 && after.status === 200, `${before.status}, ${after.status}`);
  check(`${path}: shows the same text`, before.text.length > 50 && before.text === after.text, difference(before.text, after.text));
  check(`${path}: has the same title`, before.title === after.title);
  const worse = newErrors(before.errors, after.errors);
  check(`${path}: no console error that the origin alone does not give`, worse.length === 0, worse.join('\n     '));
}

const carts = {};
for (const one of [origin, vitrine]) {
  const label = one === origin ? 'straight' : 'through Vitrine';
  try {
    await one.read(shop.product);
    await shop.add(one.page);
    const cart = await one.read(shop.cart);
    carts[label] = cart;
    check(`cart ${label}: the product is in it`, shop.inCart(cart.text), cart.text.slice(0, 300));
    await eventually('cart count', () => shop.counted(one.page), { tries: 10 }).then(
      () => check(`cart ${label}: the page counts it`, true),
      (error) => check(`cart ${label}: the page counts it`, false, error.message),
    );
    await shop.change(one.page);
    const changed = normal(await one.page.evaluate(() => document.body.innerText));
    check(`cart ${label}: a quantity can be changed`, shop.changed(changed), changed.slice(0, 300));
    await shop.remove(one.page);
    const text = normal(await one.page.evaluate(() => document.body.innerText));
    check(`cart ${label}: a line can be removed`, shop.removed(text), text.slice(0, 300));
  } catch (error) {
    check(`cart ${label}: works`, false, error.message);
  }
}
const [a, b] = [carts.straight, carts['through Vitrine']];
if (a && b) {
  check('cart: shows the same text', a.text === b.text, difference(a.text, b.text));
  check('cart: no console error that the origin alone does not give', newErrors(a.errors, b.errors).length === 0, newErrors(a.errors, b.errors).join('\n     '));
}
await browser.close();

function difference(a, b) {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return `differs at ${at}: origin "${a.slice(at, at + 80)}", Vitrine "${b.slice(at, at + 80)}"`;
}

console.log(failures.length === 0 ? 'parity: all checks passed' : `parity: ${failures.length} checks failed`);
process.exitCode = failures.length === 0 ? 0 : 1;
