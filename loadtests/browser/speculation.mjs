// What a real browser makes of the rules by which it may fetch pages ahead: it takes them, fetches what they allow when
// they allow it, and shows what is true when the visitor arrives. The shop is never asked for a page nobody has come for.
import assert from 'node:assert/strict';
import path from 'node:path';
import test, { after, before } from 'node:test';

import { parse } from './lib/args.mjs';
import { VIEWPORT, eventually, launch, undriven, watchConsole } from './lib/browser.mjs';
import { stand } from './lib/stand.mjs';

const args = parse({ vitrine: 'target/release/vitrine', manifest: 'spin.toml', port: 4360 });

// Longer than a pointer has to rest on a link, and than the edge takes to answer.
const SETTLE_MS = 1000;

const ELSEWHERE = `http://localhost:${args.port + 1}`;
// Links that nothing is fetched ahead of, with what speaks against each.
const LEFT = {
  cart: '<a href="/cart">cart</a>',
  checkout: '<a href="/checkout/step.php">checkout</a>',
  'a sacred path below a kept one': '<a href="/p/account">account</a>',
  logout: '<a href="/p/logout">log out</a>',
  'a path that the merchant names': '<a href="/p/private">private</a>',
  query: '<a href="/p/1?colour=red">red</a>',
  'query that adds': '<a href="/p/1?add-to-cart=7">add</a>',
  'a file': '<a href="/p/manual.pdf">manual</a>',
  'an image': '<a href="/p/vase.jpg">large</a>',
  download: '<a href="/p/1" download>save</a>',
  nofollow: '<a href="/p/1" rel="noopener NoFollow">not</a>',
  'another tab': '<a href="/p/1" target="_blank">tab</a>',
  'an opt-out': '<a href="/p/1" data-no-prefetch>not</a>',
  'in an opt-out': '<nav data-no-prefetch><a href="/p/1">not</a></nav>',
  'another site': `<a href="${ELSEWHERE}/p/1">other</a>`,
  'a template that is not kept': '<a href="/about">about</a>',
  'this very page': '<a href="#end">end</a>',
};
const lines = (links) => links.map((link, i) => `<div id="l${i}">${link}</div>`).join('');
const fetching = (url) => `<button onclick="fetch('${url}', { method: 'POST' }).then(() => { document.title = 'done'; })">post</button>`;
const cart = (request) => /cart=(\d+)/.exec(request.headers.cookie ?? '')?.[1] ?? '0';

const BODIES = {
  '/': '<p><a id="to" href="/p/1">Vase</a></p><p><a id="cold" href="/p/9">Not kept</a></p>',
  '/left': lines(Object.values(LEFT)),
  '/adds': `<a id="to" href="/p/1">Vase</a>${fetching('/cart/add')}`,
  '/notes': `<a id="to" href="/p/1">Vase</a>${fetching('/note')}`,
  '/logs-out': `<a id="to" href="/p/1">Vase</a>${fetching('/account/logout')}`,
  '/form': '<a id="to" href="/p/1">Vase</a><form method="post" action="/cart/add?then=form"><button>add</button></form>',
  // Rules of the shop's own, that ask for more than it can bear.
  '/greedy': '<script type="speculationrules">{"prefetch":[{"urls":["/p/1","/p/7","/cart","/about"],"eagerness":"immediate"}]}</script><a id="to" href="/p/1">Vase</a><a id="cold" href="/p/9">Not kept</a>',
  '/prerenders': '<script type="speculationrules">{"prerender":[{"urls":["/p/9"],"eagerness":"immediate"}]}</script><script>setTimeout(() => { fetch("/note", { method: "POST" }); }, 2500);</script>',
};
const asked = [];
function shop(name, request) {
  if (!name.startsWith('/_')) asked.push({ name, method: request.method, purpose: request.headers['sec-purpose'] ?? '' });
  if (request.method === 'POST') {
    const cookie = { '/cart/add': 'cart=1; Path=/', '/account/logout': 'cart=0; Path=/' }[name];
    const headers = { 'cache-control': 'no-store', ...(cookie && { 'set-cookie': cookie }) };
    return request.url.includes('then=') ? { status: 303, headers: { ...headers, location: '/form' } } : { headers, body: 'ok' };
  }
  const body = BODIES[name] ?? `<h1>${name}</h1>`;
  const headers = { 'cache-control': request.headers.cookie ? 'private, no-cache' : 'public, max-age=30' };
  return { headers, body: `<!doctype html><html><head><meta charset="utf-8"><title>Shop</title></head><body><p id="cart">cart: ${cart(request)}</p>${body}<p id="end">end</p></body></html>` };
}

const policy = (eagerness) => ({
  templates: [{ name: 'product', path: '/p/*' }],
  cache: { pages: ['product'] },
  sacred: { paths: ['/p/private'] },
  passes: { speculation_rules: { eagerness } },
});
const front = (port, eagerness) => stand({ vitrine: path.resolve(args.vitrine), manifest: path.resolve(args.manifest), port, shop, policy: policy(eagerness) });

const house = {};
let browser;
before(async () => {
  [house.pressed, house.rested] = await Promise.all([front(args.port, 'conservative'), front(args.port + 2, 'moderate')]);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await house.pressed?.close();
  await house.rested?.close();
});

// A visit without cookies, by which a page is kept.
async function keep(base, name = '/p/1') {
  const answer = await fetch(base + name, { headers: { accept: 'text/html' } });
  assert.match(await answer.text(), /<h1>/);
}

// Opens a page; `ahead` is what the browser fetches ahead and what comes of it, `rules` are those that it has taken.
async function open(base, name, options = {}) {
  const context = await browser.newContext({ viewport: VIEWPORT, ...options });
  const tab = await context.newPage();
  const [errors, rules, attempts] = [[], [], new Map()];
  watchConsole(tab, errors);
  const session = await context.newCDPSession(tab);
  session.on('Preload.ruleSetUpdated', ({ ruleSet }) => rules.push(ruleSet));
  session.on('Preload.prefetchStatusUpdated', ({ key, status, prefetchStatus }) => attempts.set(key.url, { status, why: prefetchStatus }));
  await session.send('Preload.enable');
  await tab.goto(base + name, { waitUntil: 'load' });
  asked.length = 0;
  const ahead = (to) => attempts.get(base + to)?.status;
  return { tab, errors, rules, attempts, ahead, close: () => context.close() };
}

// Puts the pointer on a link, and presses.
async function press(tab, selector) {
  await tab.hover(selector);
  await tab.mouse.down();
}
const arrived = (tab) =>
  tab.evaluate(() => ({
    how: performance.getEntriesByType('navigation')[0].deliveryType,
    cart: document.getElementById('cart').textContent,
  }));
const names = () => asked.map((one) => one.name);


test('h92_rules_are_taken_and_a_pressed_link_is_answered_from_the_edge', async () => {
  const { through: base } = house.pressed;
  await keep(base);
  const { tab, errors, rules, ahead, close } = await open(base, '/');
  await eventually('the rules', () => rules.length > 0);
  assert.deepEqual(rules.map((one) => one.errorMessage), [undefined]);
  await tab.hover('#to');
  await tab.waitForTimeout(SETTLE_MS);
  assert.equal(ahead('/p/1'), undefined, 'a pointer that rests is not enough');
  await tab.mouse.down();
  await eventually('the prefetch', () => ahead('/p/1') === 'Ready');
  await tab.mouse.up();
  await tab.waitForURL('**/p/1');
  assert.deepEqual(await arrived(tab), { how: 'navigational-prefetch', cart: 'cart: 0' });
  assert.deepEqual(asked, [], 'the shop has made no page for this visit');
  assert.deepEqual(errors, []);
  await close();
});

test('h92_with_moderate_eagerness_a_link_is_fetched_when_the_pointer_rests_on_it', async () => {
  const { through: base } = house.rested;
  await keep(base);
  const { tab, errors, ahead, close } = await open(base, '/');
  await tab.waitForTimeout(SETTLE_MS);
  assert.equal(ahead('/p/1'), undefined, 'nothing without the visitor');
  await tab.hover('#to');
  await eventually('the prefetch', () => ahead('/p/1') === 'Ready');
  assert.deepEqual(asked, []);
  assert.deepEqual(errors, []);
  await close();
});

test('h92_what_is_not_kept_is_refused_and_the_shop_asked_only_when_the_visitor_arrives', async () => {
  const { through: base } = house.pressed;
  const { tab, ahead, close } = await open(base, '/');
  await press(tab, '#cold');
  await eventually('the refusal', () => ahead('/p/9') === 'Failure');
  await tab.waitForTimeout(SETTLE_MS);
  assert.deepEqual(asked, []);
  await tab.mouse.up();
  await tab.waitForURL('**/p/9');
  assert.equal((await arrived(tab)).how, '');
  assert.deepEqual(asked, [{ name: '/p/9', method: 'GET', purpose: '' }]);
  await close();
  const refused = await fetch(`${base}/p/8`, { headers: { accept: 'text/html', 'sec-purpose': 'prefetch' } });
  assert.deepEqual([refused.status, refused.headers.get('cache-control')], [503, 'no-store']);
});

test('h92_rules_of_the_shop_itself_do_not_reach_it_either', async () => {
  const { through: base } = house.pressed;
  await keep(base);
  const { tab, attempts, close } = await open(base, '/greedy');
  await eventually('all four', () => [...attempts.values()].filter(({ status }) => /Ready|Failure/.test(status)).length === 4);
  const status = Object.fromEntries([...attempts].map(([url, one]) => [url.slice(base.length), one.status]));
  assert.deepEqual(status, { '/p/1': 'Ready', '/p/7': 'Failure', '/cart': 'Failure', '/about': 'Failure' });
  assert.deepEqual(asked, []);
  await close();
});

// A driven browser prerenders nothing.
test('h92_a_page_that_the_shop_wants_prerendered_is_not_asked_of_it', async () => {
  const seen = {};
  for (const side of ['origin', 'through']) {
    asked.length = 0;
    const close = undriven(`${house.pressed[side]}/prerenders`);
    try {
      await eventually('the end', () => names().includes('/note'), { tries: 100 });
    } finally {
      await close();
    }
    seen[side] = names().filter((name) => name.startsWith('/p/'));
  }
  assert.deepEqual(seen, { origin: ['/p/9'], through: [] });
});

test('h93_nothing_sacred_foreign_to_save_or_with_a_query_is_fetched_ahead', async () => {
  const { through: base } = house.rested;
  await keep(base);
  const { tab, attempts, ahead, close } = await open(base, '/left');
  // What a press begins: a tab or a download is not for this test.
  await tab.evaluate(() => document.addEventListener('click', (event) => event.preventDefault()));
  for (const i of Object.keys(LEFT).keys()) {
    await tab.hover(`#l${i} a`);
    await tab.waitForTimeout(400);
    await tab.mouse.down();
    await tab.mouse.up();
  }
  await tab.waitForTimeout(SETTLE_MS);
  assert.deepEqual([...attempts.keys()], []);
  assert.deepEqual(asked, []);
  // The same page does fetch ahead, once a link gives no reason against it.
  await tab.evaluate(() => document.querySelector('#l0 a').setAttribute('href', '/p/1'));
  await tab.mouse.move(0, 0);
  await tab.hover('#l0 a');
  await eventually('the prefetch', () => ahead('/p/1') === 'Ready');
  await close();
});

// Fetches a page ahead, posts, and then goes there.
async function click(name, post) {
  const { through: base } = house.rested;
  await keep(base);
  const { tab, errors, ahead, close } = await open(base, name);
  await tab.hover('#to');
  await eventually('the prefetch', () => ahead('/p/1') === 'Ready');
  await post(tab);
  await tab.click('#to');
  await tab.waitForURL('**/p/1');
  const seen = await arrived(tab);
  assert.deepEqual(errors, []);
  await close();
  return seen;
}
const button = async (tab) => {
  await tab.focus('button');
  await tab.keyboard.press('Enter');
  await tab.waitForFunction(() => document.title === 'done');
};

test('h94_after_add_to_cart_the_next_click_shows_the_cart_as_it_is', async () => {
  assert.deepEqual(await click('/notes', button), { how: 'navigational-prefetch', cart: 'cart: 0' }, 'what changes nothing drops nothing');
  const added = await click('/adds', button);
  assert.deepEqual(added, { how: '', cart: 'cart: 1' });
});

test('h94_after_a_form_that_adds_to_the_cart_the_next_click_shows_the_cart_as_it_is', async () => {
  const added = await click('/form', async (tab) => {
    await tab.focus('button');
    await Promise.all([tab.waitForNavigation(), tab.keyboard.press('Enter')]);
  });
  assert.deepEqual(added, { how: '', cart: 'cart: 1' });
});

test('h94_after_a_logout_the_next_click_is_answered_by_the_shop', async () => {
  assert.equal((await click('/logs-out', button)).how, '');
  assert.deepEqual(names(), ['/account/logout', '/p/1']);
});

test('h96_who_saves_data_or_has_a_cart_gets_no_rules', async () => {
  const { through: base } = house.rested;
  await keep(base);
  for (const more of [{ 'save-data': 'on' }, { ect: '3g' }, { cookie: 'cart=1' }]) {
    const { tab, rules, attempts, close } = await open(base, '/', { extraHTTPHeaders: more });
    await press(tab, '#to');
    await tab.waitForTimeout(SETTLE_MS);
    assert.deepEqual([rules.length, attempts.size], [0, 0], JSON.stringify(more));
    await close();
  }
  const { rules, close } = await open(base, '/');
  await eventually('the rules', () => rules.length === 1);
  assert.deepEqual(Object.keys(JSON.parse(rules[0].sourceText)), ['prefetch'], 'nothing is prerendered');
  await close();
});
