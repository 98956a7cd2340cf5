// The cart API against a running EverShop, through a running Vitrine.
//
//   node loadtests/shops/evershop-cart.mjs [vitrine, default http://127.0.0.1:4000] [shop, default http://127.0.0.1:3100]
//
// Every check prints one line; the exit code is 1 when one failed. The shop limits requests for each client
// address, so a run speaks from a loopback address of its own: it passes only if Vitrine passes that on.
import { randomInt, randomUUID } from 'node:crypto';
import http from 'node:http';

const vitrine = process.argv[2] ?? 'http://127.0.0.1:4000';
const shop = process.argv[3] ?? 'http://127.0.0.1:3100';
const localAddress = () => `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(2, 255)}`;
const SKU = 'CUP-001-WHT';
const NAME = 'Ceramic Coffee Cup - White';

/** One shopper: a client address and the cookies that were set. */
class Shopper {
  constructor() {
    this.address = localAddress();
    this.cookies = new Map();
  }

  async ask(method, path, { headers = {}, body, base = vitrine } = {}) {
    const started = performance.now();
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    const all = {
      connection: 'close',
      ...(cookie && { cookie }),
      ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
      ...(base === shop && { 'x-forwarded-for': this.address }),
      ...headers,
    };
    const url = new URL(path, base);
    const response = await new Promise((resolve, reject) => {
      const request = http.request(url, { method, headers: all, localAddress: this.address, agent: false }, resolve);
      request.on('error', reject);
      request.setTimeout(20_000, () => request.destroy(new Error(`${method} ${path}: no answer in 20 s`)));
      request.end(text);
    });
    const pieces = [];
    for await (const piece of response) pieces.push(piece);
    for (const set of response.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set);
      this.cookies.set(name, value);
    }
    const answer = {
      status: response.statusCode,
      headers: response.headers,
      text: Buffer.concat(pieces).toString(),
      ms: performance.now() - started,
    };
    if (/json/.test(response.headers['content-type'] ?? '')) answer.json = JSON.parse(answer.text);
    return answer;
  }

  cart() {
    return this.ask('GET', '/_v/cart');
  }

  add(item_id, quantity, key = randomUUID(), headers = {}) {
    return this.ask('POST', '/_v/cart/items', { body: { item_id, quantity }, headers: { 'idempotency-key': key, ...headers } });
  }

  set(line, quantity, headers = {}) {
    return this.ask('PUT', `/_v/cart/items/${line}`, { body: { quantity }, headers });
  }

  remove(line, headers = {}) {
    return this.ask('DELETE', `/_v/cart/items/${line}`, { headers });
  }
}

let failures = 0;
function check(what, condition, seen = '') {
  if (!condition) failures += 1;
  const shown = typeof seen === 'string' ? seen : JSON.stringify(seen);
  process.stdout.write(`${condition ? 'ok  ' : 'FAIL'} ${what}${shown ? `: ${shown}` : ''}\n`);
}

const times = [];
const timed = (what, answer) => {
  times.push(`${what} ${answer.ms.toFixed(0)} ms`);
  return answer;
};
const quantity = (answer, sku = SKU) =>
  (answer.json?.line_items ?? []).filter((line) => line.item.id === sku).reduce((sum, line) => sum + line.quantity, 0);
const total = (answer, type = 'total') => answer.json?.totals?.find((entry) => entry.type === type)?.amount;
const brief = (answer) => `${answer.status} ${answer.json?.code ?? `${quantity(answer)} of ${SKU}`}`;

async function createReadChangeRemove() {
  const one = new Shopper();
  const empty = timed('read, no session', await one.cart());
  check('a new visitor has an empty cart', empty.status === 200 && empty.json.line_items.length === 0, brief(empty));
  check('no cart is ever stored', empty.headers['cache-control'] === 'private, no-store', empty.headers['cache-control']);

  const added = timed('first add', await one.add(SKU, 2));
  check('add creates the cart', added.status === 200 && quantity(added) === 2, brief(added));
  check('the shop gave its session', one.cookies.has('sid'), [...one.cookies.keys()].join());
  check('money is in minor units', added.json.currency === 'USD' && added.json.line_items[0].item.price === 1500 && total(added) === 3000,
    { price: added.json.line_items?.[0]?.item?.price, total: total(added), currency: added.json.currency });

  const page = await one.ask('GET', '/cart');
  check("the shop's own cart page shows it", page.status === 200 && page.text.includes(NAME) && page.text.includes('Shopping cart with 2 items'),
    `${page.status}, ${page.text.length} bytes`);
  await one.ask('POST', '/api/cart/mine/items', { body: { sku: 'VASE-004-BLK', qty: 1 } });
  const both = timed('read', await one.cart());
  check("what the shop's own button adds shows in /_v/cart", both.json.line_items.length === 2 && total(both) === 5500, { lines: both.json.line_items.length, total: total(both) });

  const line = both.json.line_items.find((entry) => entry.item.id === SKU).id;
  const more = timed('set 5', await one.set(line, 5));
  check('a line is set to more', more.status === 200 && quantity(more) === 5, brief(more));
  const fewer = timed('set 1', await one.set(line, 1, { 'if-match': more.headers.etag }));
  check('a line is set to fewer, with If-Match', fewer.status === 200 && quantity(fewer) === 1, brief(fewer));
  const stale = await one.set(line, 9, { 'if-match': more.headers.etag });
  check('a stale If-Match is refused', stale.status === 412 && stale.json.code === 'version_conflict', brief(stale));
  const beyond = await one.set(line, 500);
  check('more than there is: the shop says so in messages', beyond.status === 200 && beyond.json.messages.some((message) => message.code === 'out_of_stock'), beyond.json.messages?.[0]?.content);
  const gone = timed('remove', await one.remove(line));
  check('a line is removed', gone.status === 200 && quantity(gone) === 0 && gone.json.line_items.length === 1, brief(gone));
  const again = await one.remove(line);
  check('a line that is gone is not found', again.status === 404 && again.json.code === 'line_not_found', brief(again));
}

async function repeatedRequests() {
  const one = new Shopper();
  const key = randomUUID();
  const first = await one.add(SKU, 1, key);
  const second = timed('replay', await one.add(SKU, 1, key));
  check('a repeated key replays the answer', second.text === first.text && second.headers['idempotent-replayed'] === 'true', brief(second));
  const other = await one.add(SKU, 3, key);
  check('a key for another body is refused', other.status === 422 && other.json.code === 'idempotency_conflict', brief(other));
  const storm = randomUUID();
  const answers = await Promise.all(Array.from({ length: 5 }, () => one.add(SKU, 1, storm)));
  const statuses = answers.map((answer) => answer.status).sort().join(' ');
  const after = await one.cart();
  check('five at once under one key add one', quantity(after) === 2 && answers.every((a) => [200, 409].includes(a.status)), `${statuses} -> ${quantity(after)}`);
}

async function storms() {
  const direct = new Shopper();
  await direct.ask('GET', '/robots.txt', { base: shop });
  const post = () => direct.ask('POST', '/api/cart/mine/items', { base: shop, body: { sku: SKU, qty: 1 } });
  await post();
  await Promise.all(Array.from({ length: 10 }, post));
  const alone = await direct.ask('GET', '/_v/cart');
  process.stdout.write(`     the shop alone: 1 + 10 at once = ${quantity(alone)}\n`);

  const one = new Shopper();
  await one.add(SKU, 1);
  const started = performance.now();
  const answers = await Promise.all(Array.from({ length: 10 }, () => one.add(SKU, 1)));
  const ms = performance.now() - started;
  const after = await one.cart();
  check('through Vitrine: 1 + 10 at once = 11', quantity(after) === 11 && answers.every((answer) => answer.status === 200),
    `${quantity(after)} in ${ms.toFixed(0)} ms, ${answers.map((answer) => answer.status).join(' ')}`);
}

async function refusals() {
  const one = new Shopper();
  const json = { 'content-type': 'application/json' };
  const cases = [
    ['no key', 400, 'idempotency_key_required', one.ask('POST', '/_v/cart/items', { body: { item_id: SKU } })],
    ['an unknown item', 422, 'item_unavailable', one.add('NO-SUCH-SKU', 1)],
    ['more than the shop has', 409, 'out_of_stock', one.add(SKU, 900)],
    ['a broken body', 400, 'invalid_request', one.ask('POST', '/_v/cart/items', { body: '{', headers: { ...json, 'idempotency-key': 'k' } })],
    ['a form', 415, 'unsupported_media_type', one.ask('POST', '/_v/cart/items', { body: 'a=1', headers: { 'content-type': 'text/plain', 'idempotency-key': 'k' } })],
    ['another site', 403, 'cross_site', one.add(SKU, 1, randomUUID(), { 'sec-fetch-site': 'cross-site' })],
    ['another origin', 403, 'cross_site', one.add(SKU, 1, randomUUID(), { origin: 'https://evil.example' })],
    ['a method', 405, 'method_not_allowed', one.ask('POST', '/_v/cart')],
    ['a path', 404, 'not_found', one.ask('GET', '/_v/cart/coupons')],
  ];
  for (const [what, status, code, asked] of cases) {
    const answer = await asked;
    const isProblem = answer.headers['content-type'] === 'application/problem+json';
    check(`${what} is refused as ${status} ${code}`, answer.status === status && answer.json?.code === code && isProblem, brief(answer));
  }
  const same = await one.add(SKU, 1, randomUUID(), { origin: vitrine });
  check("the shop's own pages may add", same.status === 200, brief(same));
}

async function pages() {
  const one = new Shopper();
  const checkout = await one.ask('GET', '/checkout');
  check('a redirect stays on the address the visitor sees', checkout.status === 302 && checkout.headers.location === '/cart', `${checkout.status} ${checkout.headers.location}`);
  const ready = await one.ask('GET', '/_v/adapter/ready');
  check('the adapter is ready', ready.status === 200 && ready.json.shop === 'evershop', ready.json);
}

for (const part of [createReadChangeRemove, repeatedRequests, storms, refusals, pages]) {
  process.stdout.write(`-- ${part.name}\n`);
  try {
    await part();
  } catch (error) {
    check(part.name, false, error.stack);
  }
}
process.stdout.write(`-- ${times.join(', ')}\n${failures === 0 ? 'all passed' : `${failures} failed`}\n`);
process.exitCode = failures === 0 ? 0 : 1;
