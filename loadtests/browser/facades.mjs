// Facades in a real browser: by mouse, by keyboard, without scripts, in print, and under content security policies.
// The vendors are stood in for by answers that the browser is given instead of theirs.
import assert from 'node:assert/strict';
import path from 'node:path';
import test, { after, before } from 'node:test';

import { parse } from './lib/args.mjs';
import { VIEWPORT, eventually, launch, watchConsole } from './lib/browser.mjs';
import { stand } from './lib/stand.mjs';

const args = parse({ vitrine: 'target/release/vitrine', manifest: 'spin.toml', port: 4330 });

const VIDEO = 'https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ?rel=0';
const FRAME = `<iframe id="v1" class="video" width="560" height="315" src="${VIDEO}" title="Our vase" allow="encrypted-media" allowfullscreen></iframe>`;
const page = (body, headers = {}, head = '') => ({
  headers,
  body: `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Vase</title>${head}</head><body>${body}</body></html>`,
});
const WRAPPED = '<style>.wide{position:relative;width:600px;height:340px}.wide>iframe{position:absolute;inset:0;width:100%;height:100%;border:0}</style>';
const csp = (policy) => ({ 'content-security-policy': policy });
const POLICIES = {
  '/self': "default-src 'self'; frame-src https://www.youtube-nocookie.com",
  '/nonce': "default-src 'none'; script-src 'nonce-r4nd0m'; style-src 'nonce-r4nd0m'; frame-src https://www.youtube-nocookie.com",
  '/strict': "script-src 'nonce-r4nd0m' 'strict-dynamic'; object-src 'none'",
  '/report-only': null,
};
const PAGES = {
  '/plain': page(`<button id="before">before</button><p>${FRAME}</p><p>after <a id="after" href="/plain">x</a></p>`),
  '/wrapped': page(`<button id="before">before</button><div class="wide">${FRAME}</div>`, {}, WRAPPED),
  '/linked': page(`<button id="before">before</button><a href="/plain">More ${FRAME}</a>`),
  '/map': page('<button id="before">before</button><iframe src="https://www.google.com/maps/embed?pb=1" title="Where we are"></iframe>'),
  '/steered': page(FRAME.replace('rel=0', 'enablejsapi=1')),
  '/chat': page('<p>Shop</p><script src="https://embed.tawk.to/1/default" async></script>'),
  '/blocked': page(FRAME, csp("script-src 'none'; frame-src https://www.youtube-nocookie.com")),
  ...Object.fromEntries(
    Object.entries(POLICIES).map(([name, policy]) => [
      name,
      page(`<button id="before">before</button>${FRAME}`, policy ? csp(policy) : { 'content-security-policy-report-only': "default-src 'self'" }),
    ]),
  ),
};

// What the vendor's page would do: it plays if the browser lets a page that was asked to play do so.
const PLAYER = `<!doctype html><title>player</title><button>pause</button><script>
  const sound = new AudioContext();
  setTimeout(() => { document.title = location.search.includes('autoplay=1') && sound.state === 'running' ? 'playing' : 'waiting'; }, 300);
</script>`;
const CHAT = "window.Tawk_API = { maximize() { document.documentElement.dataset.chat = 'open'; } };";

let shop;
let browser;
before(async () => {
  shop = await stand({
    vitrine: path.resolve(args.vitrine),
    manifest: path.resolve(args.manifest),
    port: args.port,
    shop: (name) => PAGES[name] ?? null,
    policy: { passes: { facades: { enabled: true, chats: [{ vendor: 'tawk', text: 'Ask us' }] } } },
  });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await shop?.close();
});

// A page of the shop, what its visitor's browser asked vendors for, and the errors that its console showed.
async function visit(name, options = {}) {
  const context = await browser.newContext({ viewport: VIEWPORT, ...options });
  const vendors = [];
  const answer = (kind, body) => (route) => {
    vendors.push(route.request().url());
    return route.fulfill({ contentType: kind, body, headers: { 'cache-control': 'no-store' } });
  };
  await context.route(/^https:\/\/(www\.youtube-nocookie\.com|www\.google\.com)\//, answer('text/html', PLAYER));
  await context.route(/^https:\/\/embed\.tawk\.to\//, answer('text/javascript', CHAT));
  const tab = await context.newPage();
  const errors = [];
  watchConsole(tab, errors);
  await tab.addInitScript(() => {
    window.__shifts = [];
    const place = (one) => `${one.node?.nodeName}: ${JSON.stringify([one.previousRect, one.currentRect])}`;
    new PerformanceObserver((list) => {
      for (const one of list.getEntries()) window.__shifts.push([one.value, one.startTime, one.hadRecentInput, one.sources.map(place)]);
    }).observe({ type: 'layout-shift', buffered: true });
  });
  await tab.goto(shop.through + name, { waitUntil: 'load' });
  return { tab, vendors, errors, close: () => context.close() };
}

const facade = (tab) => tab.frames()[1].locator('a');
const attributes = (tab) =>
  tab.locator('iframe').evaluate((frame) => Object.fromEntries([...frame.attributes].map((one) => [one.name, one.value])));
const box = (tab) => tab.locator('iframe').evaluate((frame) => JSON.stringify(frame.getBoundingClientRect()));

// Role and name of the control in the frame, as assistive technology is told them.
async function told(tab) {
  const session = await tab.context().newCDPSession(tab);
  const { frameTree } = await session.send('Page.getFrameTree');
  const frameId = frameTree.childFrames[0].frame.id;
  const { nodes } = await session.send('Accessibility.getFullAXTree', { frameId });
  const controls = nodes.filter((node) => ['button', 'link'].includes(node.role?.value));
  return controls.map((node) => `${node.role.value}: ${node.name.value}`);
}

async function plays(tab) {
  await eventually('the player', () => tab.frames().some((frame) => frame.url().startsWith('https://') && frame.parentFrame()));
  const player = tab.frames().find((frame) => frame.url().startsWith('https://'));
  await eventually('its decision', async () => /playing|waiting/.test(await player.title().catch(() => '')));
  return { title: await player.title(), url: player.url(), focused: await player.evaluate(() => document.hasFocus()) };
}

const PRESSES = {
  Enter: (tab) => tab.keyboard.press('Enter'),
  Space: (tab) => tab.keyboard.press('Space'),
  click: (tab) => tab.locator('iframe').click(),
};

for (const [how, press] of Object.entries(PRESSES)) {
  test(`a player opens, plays and has the focus after one ${how}`, async () => {
    for (const name of ['/plain', '/wrapped', '/linked']) {
      const { tab, vendors, errors, close } = await visit(name);
      await facade(tab).waitFor();
      assert.deepEqual(vendors, [], `${name}: nobody is asked before the visitor acts`);
      const [place, steps] = [await box(tab), await tab.evaluate(() => history.length)];
      await tab.locator('#before').focus();
      await tab.keyboard.press('Tab');
      if (name === '/linked') await tab.keyboard.press('Tab');
      assert.equal(await tab.frames()[1].evaluate(() => document.activeElement.tagName), 'A', `${name}: Tab reaches it`);
      await press(tab);
      const player = await plays(tab);
      assert.deepEqual(player, { title: 'playing', url: `${VIDEO}&autoplay=1`, focused: true }, name);
      assert.equal(vendors.length, 1, `${name}: one activation, one request: ${vendors}`);
      assert.equal(await tab.evaluate(() => document.activeElement.id), 'v1', name);
      assert.equal(await box(tab), place, `${name}: it is where it was`);
      assert.equal(await tab.evaluate(() => history.length), steps, `${name}: Back leads where it led`);
      assert.deepEqual(await tab.evaluate(() => window.__shifts), [], `${name}: nothing moved`);
      assert.deepEqual(await attributes(tab), {
        id: 'v1', class: 'video', width: '560', height: '315', src: `${VIDEO}&autoplay=1`, title: 'Our vase', allow: 'encrypted-media; autoplay', allowfullscreen: '',
      });
      assert.equal(new URL(tab.url()).pathname, name);
      assert.deepEqual(errors, [], name);
      await close();
    }
  });
}

test('h38_a_facade_is_a_named_control_and_takes_the_room_of_its_frame', async () => {
  for (const [name, control] of [['/plain', 'button: Play video: Our vase'], ['/map', 'button: Show map: Where we are']]) {
    const { tab, vendors, close } = await visit(name);
    await facade(tab).waitFor();
    await eventually('the button', async () => (await told(tab))[0]?.startsWith('button'));
    assert.deepEqual(await told(tab), [control]);
    assert.deepEqual(vendors, []);
    await close();
  }
  // Where the style sheet names the frame by its element, the facade is as large as the player without us.
  const { tab, close } = await visit('/wrapped');
  const here = await box(tab);
  await tab.goto(`${shop.origin}/wrapped`, { waitUntil: 'load' });
  assert.equal(here, await box(tab));
  await close();
});

test('h38_without_scripts_the_link_opens_the_player', async () => {
  const { tab, vendors, close } = await visit('/plain', { javaScriptEnabled: false });
  await facade(tab).waitFor();
  assert.deepEqual(await told(tab), ['link: Play video: Our vase']);
  assert.deepEqual(vendors, []);
  await tab.locator('#before').focus();
  await tab.keyboard.press('Tab');
  await tab.keyboard.press('Enter');
  await eventually('the player', () => vendors.includes(`${VIDEO}&autoplay=1`));
  assert.equal(new URL(tab.url()).pathname, '/plain');
  await close();
});

test('h38_print_shows_a_link', async () => {
  const { tab, close } = await visit('/plain');
  await facade(tab).waitFor();
  await tab.emulateMedia({ media: 'print' });
  const seen = await facade(tab).evaluate((link) => {
    const style = getComputedStyle(link);
    return { text: link.innerText, line: style.textDecorationLine, after: getComputedStyle(link, '::after').content };
  });
  assert.deepEqual(seen, { text: 'Play video: Our vase', line: 'underline', after: `" (${VIDEO}&autoplay=1)"` });
  await close();
});

test('h38_a_player_that_a_script_steers_is_as_it_was', async () => {
  const { tab, vendors, close } = await visit('/steered');
  await eventually('the player', () => vendors.length === 1);
  assert.equal(await tab.locator('iframe').getAttribute('srcdoc'), null);
  await close();
});

test('a facade works under every policy that lets it, and is not there under one that does not', async () => {
  for (const name of Object.keys(POLICIES)) {
    const { tab, vendors, errors, close } = await visit(name);
    await facade(tab).waitFor();
    await eventually(`${name}: the button`, async () => (await facade(tab).getAttribute('role')) === 'button');
    assert.equal(await facade(tab).evaluate((link) => getComputedStyle(link).display), 'flex', `${name}: the style is there`);
    assert.deepEqual(vendors, [], name);
    await facade(tab).click();
    assert.equal((await plays(tab)).title, 'playing', name);
    const refused = errors.filter((error) => !error.includes('report-only'));
    assert.deepEqual(refused, [], name);
    await close();
  }
  const { vendors, close } = await visit('/blocked');
  await eventually('the player itself', () => vendors.includes(VIDEO));
  await close();
});

test('a chat is a button that loads it and opens it', async () => {
  const { tab, vendors, errors, close } = await visit('/chat');
  const button = tab.getByRole('button', { name: 'Ask us' });
  await button.waitFor();
  assert.deepEqual(vendors, []);
  await tab.keyboard.press('Tab');
  await tab.keyboard.press('Space');
  await eventually('the chat', () => tab.evaluate(() => document.documentElement.dataset.chat === 'open'));
  assert.deepEqual(vendors, ['https://embed.tawk.to/1/default']);
  await button.waitFor({ state: 'detached' });
  assert.deepEqual(await tab.evaluate(() => window.__shifts), []);
  assert.deepEqual(errors, []);
  await close();
});
