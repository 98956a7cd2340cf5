// Pages with a content security policy, straight from the shop and through Vitrine with everything on that puts
// something into a page: the browser refuses and reports no more than it did, and what ran still runs.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import test, { after, before } from 'node:test';

import { parse } from './lib/args.mjs';
import { VIEWPORT, eventually, launch, watchConsole } from './lib/browser.mjs';
import { stand } from './lib/stand.mjs';
import { vendors } from './lib/vendors.mjs';

const args = parse({ vitrine: 'target/release/vitrine', manifest: 'spin.toml', port: 4370 });
const TOKEN = 'lab-operator-token';
// Longer than a script waits for an idle moment.
const SETTLE_MS = 1500;

const FRAMES = "frame-src 'self' https://www.youtube-nocookie.com";
const OTHERS = "img-src 'self'; connect-src 'self' https://collector.example; object-src 'none'";
// Policies by the page that has them; NONCE is another one in each response.
const HEADER = 'content-security-policy';
const POLICIES = {
  none: {},
  self: { [HEADER]: `default-src 'self'; ${FRAMES}` },
  nonce: { [HEADER]: `default-src 'none'; script-src 'nonce-NONCE'; style-src 'self' 'nonce-NONCE'; ${FRAMES}; ${OTHERS}` },
  strict: { [HEADER]: `script-src 'strict-dynamic' 'nonce-NONCE' 'self' https:; base-uri 'none'; ${OTHERS}` },
  hosts: { [HEADER]: `script-src 'self' 'unsafe-inline' https://static.hotjar.com https://widget.intercom.io; style-src 'self'; ${FRAMES}; ${OTHERS}` },
  rules: { [HEADER]: `script-src 'self' 'inline-speculation-rules'; style-src 'self' 'unsafe-inline'; ${FRAMES}` },
  trusted: { [HEADER]: `script-src 'strict-dynamic' 'nonce-NONCE'; require-trusted-types-for 'script'; ${OTHERS}` },
  several: { [HEADER]: [`script-src 'nonce-NONCE' 'self'`, `default-src 'self' 'nonce-NONCE' https://static.hotjar.com; ${FRAMES}`] },
  attributes: { [HEADER]: "script-src 'self'; style-src 'self' 'unsafe-inline'; style-src-attr 'none'; style-src-elem 'self'" },
  meta: {},
  'report-nonce': { 'content-security-policy-report-only': `default-src 'self'; script-src 'nonce-NONCE' 'strict-dynamic'; style-src 'self' 'nonce-NONCE'; ${FRAMES}; ${OTHERS}` },
  'report-self': { 'content-security-policy-report-only': `default-src 'self'; ${FRAMES}` },
};
const META = `<meta http-equiv="Content-Security-Policy" content="default-src 'self'; script-src 'self' 'nonce-NONCE'; ${FRAMES}">`;
const RECORDER = 'window.ran = []; window.__ran = (name) => ran.push(name);';
const page = (meta) => `<!doctype html><html lang="en"><head><meta charset="utf-8">${meta}<title>Vase</title>
<script nonce="NONCE" src="/js/first.js"></script><link rel="stylesheet" href="/css/shop.css"><link rel="stylesheet" href="https://fonts.googleapis.com/css2?family=Inter" nonce="NONCE">
<script nonce="NONCE" src="https://static.hotjar.com/c/hotjar-1.js"></script></head><body><h1>Vase</h1>
<img class="big" src="/photo.png" alt="a vase"><p>${'<iframe class="video" width="560" height="315" src="https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ?rel=0" title="Our vase"></iframe>'}</p>
<script nonce="NONCE">window.__ran?.('inline');</script><script nonce="NONCE" src="https://widget.intercom.io/widget/a"></script><script nonce="NONCE" src="https://embed.tawk.to/1/default" async></script>
<ul class="reviews"><li>fine</li><li>good</li></ul><a href="/p/none">next</a><script nonce="NONCE" src="/js/last.js"></script></body></html>`;

const ran = (name) => `window.__ran?.('${name}');`;
// 1 × 1.
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const typed = (type, body) => ({ headers: { 'content-type': type, 'cache-control': 'public, max-age=60' }, body });
const FILES = {
  '/js/first.js': typed('text/javascript', `${RECORDER} ${ran('first')}`),
  '/js/last.js': typed('text/javascript', ran('last')),
  '/css/shop.css': typed('text/css', 'h1 { color: teal; }'),
  '/css/late.css': typed('text/css', 'p { color: teal; }'),
  '/photo.png': typed('image/png', PNG),
};
function shop(name) {
  if (FILES[name]) return FILES[name];
  const headers = POLICIES[name.replace('/p/', '')];
  if (!headers) return null;
  const nonce = randomBytes(12).toString('base64');
  const filled = (text) => text.replaceAll('NONCE', nonce);
  const policies = Object.entries(headers).map(([header, value]) => [header, Array.isArray(value) ? value.map(filled) : filled(value)]);
  return { headers: Object.fromEntries(policies), body: filled(page(name === '/p/meta' ? META : '')) };
}
const VENDORS = {
  'static.hotjar.com/c/hotjar-1.js': { body: ran('hotjar') },
  'widget.intercom.io/widget/a': { body: ran('chat') },
  'embed.tawk.to/1/default': { body: ran('tawk') },
  'fonts.googleapis.com/css2': { body: '', headers: { 'content-type': 'text/css' } },
  'www.youtube-nocookie.com/embed/dQw4w9WgXcQ': { body: '<!doctype html><title>player</title>', headers: { 'content-type': 'text/html' } },
};

const RULES = [{ vendor: 'hotjar', action: 'async' }, { vendor: 'intercom', action: 'idle' }];
const EVERYTHING = {
  rum: { enabled: true, sample_percent: 100 },
  templates: [{ name: 'product', path: '/p/*' }],
  cache: { pages: ['product'] },
  passes: {
    third_party_scripts: { rules: RULES },
    facades: { enabled: true, chats: [{ vendor: 'tawk', text: 'Ask us' }] },
    google_fonts: { enabled: true },
    font_fallback_metrics: { enabled: true },
    preconnect: { origins: ['https://collector.example'] },
    critical_css: { enabled: true, rules: [{ template: 'product', css: 'h1{color:teal}' }] },
    content_visibility: { enabled: true, rules: [{ selector: '.reviews > li', height: 240 }] },
    responsive_images: { enabled: true, rules: [{ selector: '.big', full_width_px: 1200, sizes: '50vw' }] },
    size_images: { rules: [{ selector: '.big', width: 600, height: 400 }] },
    bfcache: { deny_unload: true },
  },
};
const SHEET = { url: '/css/late.css', kind: 'style', late: 400 };
const group = (viewport) => ({ viewport, views: 400, images: [{ selector: '.big', ordinal: 0, seen: 400, lcp: 400 }], origins: [], resources: [SHEET] });
const HINTS = { version: 1, templates: [{ template: 'product', groups: ['phone', 'tablet', 'desktop'].map(group) }] };

let house;
let strangers;
let browser;
before(async () => {
  strangers = await vendors(args.port + 2, (address) => VENDORS[address] ?? null);
  house = await stand({ vitrine: path.resolve(args.vitrine), manifest: path.resolve(args.manifest), port: args.port, shop, policy: EVERYTHING, token: TOKEN });
  // Before any page is asked for, so that nobody goes by an older record.
  const answer = await fetch(`${house.through}/_v/hints`, { method: 'PUT', headers: { authorization: `Bearer ${TOKEN}` }, body: JSON.stringify(HINTS) });
  assert.equal(answer.status, 200, await answer.text());
  browser = await launch({ args: strangers.switches });
});
after(async () => {
  await browser?.close();
  await house?.close();
  await strangers?.close();
});

const SIDES = ['origin', 'through'];

// One visit: what the policy refused or reported, what the console said, what ran, and what stands in the page by us.
async function visit(side, name) {
  const context = await browser.newContext({ viewport: VIEWPORT });
  const tab = await context.newPage();
  const errors = [];
  watchConsole(tab, errors);
  await tab.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, disposition, sample }) => {
      window.violations.push(`${disposition}: ${effectiveDirective} ${blockedURI}${sample && ` ${sample}`}`);
    });
  });
  const answer = await tab.goto(`${house[side]}/p/${name}`, { waitUntil: 'load' });
  await tab.waitForTimeout(SETTLE_MS);
  const seen = await tab.evaluate(() => ({
    violations: window.violations,
    ran: window.ran ?? [],
    ours: [...new Set([...document.querySelectorAll('[data-v]')].map((one) => one.dataset.v))].sort(),
  }));
  const headers = await answer.headersArray();
  await context.close();
  const plain = (text) => text.replaceAll(house[side], 'SHOP').replace(/nonce-[\w+/=-]+/g, 'nonce-NONCE').replace(/sha256-[\w+/=]+/g, 'sha256-HASH');
  return { violations: seen.violations.map(plain), errors: errors.map(plain), ran: seen.ran.sort(), ours: seen.ours, headers };
}
async function both(name) {
  const [straight, through] = [await visit('origin', name), await visit('through', name)];
  return { straight, through };
}
// What the one side has that the other has not.
const added = (through, straight) => [...new Set(through)].filter((one) => !straight.includes(one));

// The font sheet by its own address: where Google is not to be reached, the browser is sent on to it.
const asWritten = (text) => text.replaceAll('SHOP/_v/fonts/css2', 'https://fonts.googleapis.com/css2');

// A page through Vitrine refuses, reports and runs what it does without; its chat waits for a visitor. `mine` is what
// stands in it by us.
async function unharmed(name, mine) {
  const { straight, through } = await both(name);
  assert.deepEqual(added(through.violations.map(asWritten), straight.violations), [], `${name}: refused or reported`);
  assert.ok(through.errors.length <= straight.errors.length, `${name}: ${through.errors.join('\n')}`);
  const waits = (one) => one === 'tawk' && through.ours.includes('facades');
  assert.deepEqual(through.ran, straight.ran.filter((one) => !waits(one)), `${name}: ran`);
  assert.deepEqual(through.ours, mine.sort(), `${name}: ours`);
  const policies = ({ headers }) => headers.filter((one) => one.name.startsWith(HEADER)).map((one) => one.value.replace(/nonce-[\w+/=-]+/g, 'nonce-NONCE'));
  assert.deepEqual(policies(through), policies(straight), `${name}: the policy is the shop's`);
  return through;
}
const LINKED = ['facades', 'preconnect', 'responsive_images', 'inject_rum'];
const STYLES = ['content_visibility', 'critical_css', 'font_fallback_metrics'];
const ALL = [...LINKED, ...STYLES, 'speculation_rules', 'third_party_scripts'];

test('h43_without_a_policy_everything_is_there_and_nothing_is_refused', async () => {
  const { ran: ran_, headers } = await unharmed('none', ALL);
  assert.deepEqual(ran_, ['chat', 'first', 'hotjar', 'inline', 'last']);
  assert.ok(headers.some(({ name, value }) => name === 'link' && value.includes('/css/late.css')), 'the preload too');
});

test('h43_default_src_self_alone_lets_nothing_inline_in', () => unharmed('self', LINKED));

test('h43_every_policy_of_a_page_is_kept_to', async () => {
  await unharmed('several', ALL);
  await unharmed('meta', ALL.filter((name) => !STYLES.includes(name)));
});

test('h43_a_page_that_wants_trusted_types_has_no_loader_of_ours', () => unharmed('trusted', ALL.filter((name) => !['facades', 'third_party_scripts'].includes(name))));

test('h44_strict_dynamic_and_nonces_let_in_what_carries_the_nonce', async () => {
  await unharmed('strict', ALL);
  await unharmed('nonce', ALL);
});

test('h46_a_policy_that_names_hosts_gets_no_more_of_them', () => unharmed('hosts', ALL.filter((name) => !STYLES.includes(name))));

test('h43_style_attributes_have_a_directive_of_their_own', () => unharmed('attributes', LINKED));

test('h43_a_policy_that_only_reports_has_nothing_to_report_where_it_has_a_nonce', () => unharmed('report-nonce', ALL));

test('h43_a_policy_that_only_reports_blocks_nothing_and_reports_what_explain_says', async () => {
  const { straight, through } = await both('report-self');
  assert.deepEqual(through.ran, straight.ran.filter((one) => one !== 'tawk'));
  assert.deepEqual(through.errors, straight.errors);
  const more = added(through.violations.map(asWritten), straight.violations);
  assert.deepEqual(more, ['report: style-src-elem inline']);
  const answer = await fetch(`${house.through}/_v/explain?url=/p/report-self`, { headers: { authorization: `Bearer ${TOKEN}`, accept: 'application/json' } });
  const said = await answer.text();
  assert.match(said, /a report-only policy will report it: the page's CSP does not allow inline styles/);
});

test('h48_rules_stand_in_the_page_only_where_the_policy_says_so_and_else_in_a_header_that_is_taken', async () => {
  await unharmed('rules', [...LINKED, ...STYLES, 'speculation_rules']);
  for (const name of ['none', 'rules', 'nonce', 'self']) {
    const context = await browser.newContext({ viewport: VIEWPORT });
    const tab = await context.newPage();
    const taken = [];
    const session = await context.newCDPSession(tab);
    session.on('Preload.ruleSetUpdated', ({ ruleSet }) => taken.push(ruleSet));
    await session.send('Preload.enable');
    await tab.goto(`${house.through}/p/${name}`, { waitUntil: 'load' });
    await eventually('the rules', () => taken.length > 0);
    assert.deepEqual(taken.map((one) => [Boolean(one.url), one.errorMessage]), [[name === 'self', undefined]], name);
    await context.close();
  }
});
