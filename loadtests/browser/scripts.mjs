// Scripts that rules have moved, in a real browser: each page straight from the shop and through Vitrine. Its own
// scripts throw when they run out of order.
import assert from 'node:assert/strict';
import test from 'node:test';

import { parse } from './lib/args.mjs';
import { eventually, undriven } from './lib/browser.mjs';
import { SIDES, scene } from './lib/scene.mjs';

const args = parse({ vitrine: 'target/release/vitrine', manifest: 'spin.toml', port: 4340 });

const RULES = [
  { vendor: 'google-tag-manager', action: 'async' },
  { vendor: 'hotjar', action: 'defer' },
  { category: 'chat', action: 'idle' },
  { match: '//moved-async.example/*', action: 'async' },
  { match: '//moved-defer.example/*', action: 'defer' },
  { match: '//moved-idle.example/*', action: 'idle' },
  { match: '//blocked.example/*', action: 'block' },
];

// What the tag manager does: takes what the page has queued, counts, and stays to take what follows.
const TAG = `(() => {
  const visit = new URLSearchParams(location.search).get('visit');
  const activated = () => performance.getEntriesByType('navigation')[0].activationStart > 0;
  const count = (event) => navigator.sendBeacon('https://collector.example/' + event + '?visit=' + visit + '&activated=' + activated());
  const start = () => {
    count('page_view');
    const queue = window.dataLayer || [];
    const take = (entry) => entry && entry.event === 'purchase' && count('purchase');
    queue.forEach(take);
    queue.push = (entry) => { take(entry); return Array.prototype.push.call(queue, entry); };
  };
  window.__ran?.('gtm');
  if (document.prerendering) document.addEventListener('prerenderingchange', start, { once: true });
  else start();
})();`;
const ran = (name) => `window.__ran('${name}');`;
const VENDORS = {
  'www.googletagmanager.com/gtm.js': { body: TAG, delay: 400 },
  'static.hotjar.com/c/hotjar-1.js': { body: ran('hotjar'), delay: 50 },
  'widget.intercom.io/widget/a': { body: ran('chat'), delay: 50 },
  'late.example/image.png': { status: 404, delay: 1500 },
};
const answer = (address, url) => {
  if (url.searchParams.get('id') === 'GTM-2') return { body: TAG, delay: 60 };
  if (address.startsWith('collector.example/')) return { status: 204 };
  if (address.startsWith('moved-') || address.startsWith('blocked.')) {
    const name = address.split('/')[1];
    return name.startsWith('missing') ? null : { body: ran(name), delay: 30 };
  }
  return VENDORS[address] ?? null;
};

// Records what runs and when, and what the page can see of itself at that moment.
const RECORDER = `<script>
  window.ran = []; window.seen = []; window.fired = {};
  window.__ran = (name) => { ran.push(name); seen.push({ name, state: document.readyState, current: !!document.currentScript, at: performance.now() }); };
  window.__fired = (name) => { fired[name] = (fired[name] || 0) + 1; };
  window.__after = (...names) => { for (const name of names) if (!ran.includes(name)) throw new Error('ran before ' + name); };
  window.events = [];
  for (const [target, name] of [[document, 'readystatechange'], [document, 'DOMContentLoaded'], [window, 'load']]) {
    target.addEventListener(name, (event) => events.push({ name, state: document.readyState, trusted: event.isTrusted, whole: !!document.getElementById('end'), at: performance.now() }));
  }
</script>`;
const page = (body, head = '') => ({
  body: `<!doctype html><html><head><meta charset="utf-8"><title>Vase</title>${RECORDER}${head}</head><body>${body}<p id="end">end</p></body></html>`,
});
const script = (body) => ({ headers: { 'content-type': 'text/javascript' }, body });
const own = (name, requires, more = '') => script(`__after(${requires.map((one) => `'${one}'`).join()}); ${more} __ran('${name}');`);
const CURRENT = "if (!document.currentScript || document.scripts[document.scripts.length - 1] !== document.currentScript) throw new Error('currentScript');";

// A page that has another prerendered, says when it leaves, and then goes there.
const prerenders = (url) => page(`<script type="speculationrules">{"prerender":[{"urls":["${url}"],"eagerness":"immediate"}]}</script>
  <script>setTimeout(() => navigator.sendBeacon('https://collector.example/leaving'), 3000); setTimeout(() => { location.href = '${url}'; }, 3500);</script>`);

const GTM = '<script>window.dataLayer = []; dataLayer.push({ event: "start" });</script><script src="https://www.googletagmanager.com/gtm.js?id=GTM-1"></script>';
const CHAT = '<script src="https://widget.intercom.io/widget/a"></script>';
const PAGES = {
  '/sequence': page(
    `<script src="/js/middle.js"></script><script src="https://static.hotjar.com/c/hotjar-1.js"></script>
     <script>__after('middle'); document.write('<b id="written">written</b>'); ${CURRENT} __ran('inline');</script>
     ${CHAT}<script>if (document.getElementById('written') === null) throw new Error('not written'); __ran('last');</script>`,
    `<script src="/js/first.js"></script>${GTM}<script>__after('first'); dataLayer.push({ event: 'x' }); __ran('head');</script>
     <script defer src="/js/deferred.js"></script><script type="module" src="/js/module.js"></script>`,
  ),
  '/js/first.js': own('first', [], CURRENT),
  '/js/middle.js': own('middle', ['first', 'head'], CURRENT),
  '/js/deferred.js': own('deferred', ['first', 'head', 'middle', 'inline', 'last']),
  '/js/module.js': own('module', ['deferred']),
  '/handlers': page(
    ['async', 'defer', 'idle']
      .map(
        (action) => `<script src="https://moved-${action}.example/${action}" onload="__fired('${action} load')" onerror="__fired('${action} error')"></script>
          <script src="https://moved-${action}.example/missing-${action}" onload="__fired('missing ${action} load')" onerror="__fired('missing ${action} error')"></script>`,
      )
      .join('') + `<img src="/dot.svg" onload="__fired('img load')"><img src="/none.png" onerror="__fired('img error')"><link rel="stylesheet" href="/a.css" onload="__fired('link load')">`,
  ),
  '/dot.svg': { headers: { 'content-type': 'image/svg+xml' }, body: '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>' },
  '/a.css': { headers: { 'content-type': 'text/css' }, body: 'p{color:green}' },
  '/idle': page(CHAT),
  // Work without a pause: the browser has no idle moment.
  '/busy': page(`${CHAT}<script>addEventListener('load', () => {
    const work = new MessageChannel();
    work.port1.onmessage = () => { const until = performance.now() + 20; while (performance.now() < until); if (!ran.includes('chat')) work.port2.postMessage(0); };
    work.port2.postMessage(0);
  });</script>`),
  '/click': page(
    `<a id="away" href="/away">away</a><button id="own" onclick="__fired('own')">own</button><form action="/sent"><button id="send">send</button></form>
     <label>box <input type="checkbox" id="box"></label>${CHAT}<img src="https://late.example/image.png">`,
  ),
  '/away': page('<h1>away</h1>'),
  '/sent': page('<h1>sent</h1>'),
  ...Object.fromEntries(
    ['async', 'defer', 'idle', 'blocked'].map((action) => {
      const moved = `https://${action === 'blocked' ? '' : 'moved-'}${action}.example/first`;
      const insert = "var s = document.createElement('script'), f = document.getElementsByTagName('script')[0]; s.src = 'https://moved-async.example/inserted'; f.parentNode.insertBefore(s, f);";
      // The recorder comes after: the moved script is the first of the page.
      return [`/insert-${action}`, { body: `<!doctype html><html><head><title>x</title><script src="${moved}"></script>${RECORDER}<script>${insert}</script></head><body><p id="end">end</p></body></html>` }];
    }),
  ),
  '/visit': page(`<button id="buy" onclick="dataLayer.push({ event: 'purchase' })">buy</button><script>(${follow})()</script>`, GTM.replace('GTM-1', 'GTM-2')),
  '/prerenders-a-visit': prerenders('/visit?visit=prerendered'),
  '/prerenders-a-chat': prerenders('/idle'),
};

// What a visitor does, by the number of the visit, and then begins the next; it runs in the page. Every visit ends after
// the page has loaded: who leaves earlier is counted when the tag has come by then, on either side.
function follow() {
  const [side, number] = (new URLSearchParams(location.search).get('visit') ?? '').split('-');
  const of = Number(new URLSearchParams(location.search).get('of'));
  if (of === 0) return;
  const buy = () => document.getElementById('buy').click();
  const next = () => location.replace(Number(number) + 1 < of ? `/visit?visit=${side}-${Number(number) + 1}&of=${of}` : '/away');
  const habit = number % 5;
  if (habit === 1 || habit === 3) buy();
  addEventListener('load', () => {
    if (habit === 2 || habit === 3) buy();
    if (habit === 4) next();
    else setTimeout(next, 20);
  });
}

const stage = scene({ ...args, pages: PAGES, answer, policy: { passes: { third_party_scripts: { rules: RULES } } } });

const runs = (tab, name) => eventually(name, () => tab.evaluate((one) => window.ran.includes(one), name), { pause: 100, tries: 100 });

// What a page of the order fixture has seen of itself, on one side.
async function order(side) {
  const { tab, errors, close } = await stage.open(side, '/sequence');
  await runs(tab, 'chat');
  await runs(tab, 'gtm');
  await runs(tab, 'hotjar');
  const seen = await tab.evaluate(() => ({ ran, seen, events }));
  await close();
  return { ...seen, errors };
}

test('h25_what_no_rule_moves_runs_in_the_order_of_the_shop', async () => {
  const moved = ['gtm', 'hotjar', 'chat'];
  const kept = (side) => side.ran.filter((name) => !moved.includes(name));
  const [straight, through] = [await order('origin'), await order('through')];
  assert.deepEqual(straight.errors, []);
  assert.deepEqual(through.errors, []);
  assert.deepEqual(kept(through), kept(straight));
  assert.deepEqual(kept(through), ['first', 'head', 'middle', 'inline', 'last', 'deferred', 'module']);
  for (const name of moved) assert.equal(through.ran.filter((one) => one === name).length, 1, name);
  assert.notDeepEqual(through.ran, straight.ran, 'a moved script has moved');
});

test('h27_a_moved_script_still_knows_its_own_element', async () => {
  const through = await order('through');
  for (const name of ['gtm', 'hotjar', 'chat']) assert.equal(through.seen.find((one) => one.name === name).current, true, name);
});

test('h28_the_pages_events_are_the_browsers_and_come_no_later', async () => {
  const [straight, through] = [await order('origin'), await order('through')];
  const names = (side) => side.events.map(({ name, state }) => `${name} ${state}`);
  assert.deepEqual(names(through), names(straight));
  assert.deepEqual(names(through), ['readystatechange interactive', 'DOMContentLoaded interactive', 'readystatechange complete', 'load complete']);
  for (const event of through.events) assert.ok(event.trusted && event.whole, JSON.stringify(event));
  const ready = (side) => side.events.find((event) => event.name === 'DOMContentLoaded').at;
  console.log(`DOMContentLoaded: straight ${ready(straight).toFixed(0)} ms, through Vitrine ${ready(through).toFixed(0)} ms`);
  assert.ok(ready(straight) > 400, 'the tag blocks the page without Vitrine');
  assert.ok(ready(through) < ready(straight), 'and not with it');
});

test('h29_event_attributes_of_moved_scripts_images_and_links_fire_once', async () => {
  const counts = {};
  for (const side of SIDES) {
    const { tab, close } = await stage.open(side, '/handlers');
    await eventually('every event', () => tab.evaluate(() => Object.keys(window.fired).length === 9), { pause: 100, tries: 100 });
    await tab.waitForTimeout(500);
    counts[side] = await tab.evaluate(() => window.fired);
    await close();
  }
  assert.deepEqual(counts.through, counts.origin);
  const expected = ['async', 'defer', 'idle'].flatMap((action) => [`${action} load`, `missing ${action} error`]);
  assert.deepEqual(Object.keys(counts.through).sort(), [...expected, 'img load', 'img error', 'link load'].sort());
  for (const [name, count] of Object.entries(counts.through)) assert.equal(count, 1, name);
});

// Milliseconds from the page's load event until the chat has run, while `meanwhile` goes on.
async function wait(name, meanwhile = (tab) => tab.waitForTimeout(50)) {
  const { tab, errors, close } = await stage.open('through', name);
  const started = Date.now();
  while (!(await tab.evaluate(() => window.ran.includes('chat')))) {
    assert.ok(Date.now() - started < 10_000, 'the chat never runs');
    await meanwhile(tab);
  }
  const after = await tab.evaluate(() => window.seen.find((one) => one.name === 'chat').at - window.events.find((event) => event.name === 'load').at);
  assert.deepEqual(errors, []);
  await close();
  return after;
}

test('h36_an_idle_script_runs_within_its_deadline_and_waits_for_no_one', async () => {
  const alone = await wait('/idle');
  let x = 0;
  const moving = await wait('/idle', async (tab) => {
    x = (x + 7) % 1000;
    await tab.mouse.move(100 + x, 300);
  });
  const busy = await wait('/busy');
  console.log(`after load: nobody there ${alone.toFixed(0)} ms, pointer moving ${moving.toFixed(0)} ms, never idle ${busy.toFixed(0)} ms`);
  for (const after of [alone, moving, busy]) assert.ok(after > 0 && after < 5000, `${after} ms`);
});

test('h37_a_click_before_an_idle_script_has_run_does_what_it_always_does', async () => {
  const clicks = {
    link: async (tab) => {
      await tab.click('#away');
      await tab.waitForURL('**/away', { waitUntil: 'commit' });
    },
    form: async (tab) => {
      await tab.click('#send');
      await tab.waitForURL('**/sent?', { waitUntil: 'commit' });
    },
    handler: async (tab) => {
      await tab.click('#own');
      assert.equal(await tab.evaluate(() => window.fired.own), 1);
    },
    checkbox: async (tab) => {
      await tab.click('#box');
      assert.equal(await tab.isChecked('#box'), true);
    },
  };
  for (const [what, click] of Object.entries(clicks)) {
    const { tab, errors, close } = await stage.open('through', '/click', { until: 'domcontentloaded' });
    assert.deepEqual(await tab.evaluate(() => [window.ran.includes('chat'), document.readyState]), [false, 'interactive'], what);
    await click(tab);
    assert.deepEqual(errors.filter((error) => error.startsWith('thrown')), [], what);
    await close();
  }
});

test('h37_vitrine_listens_to_nothing_that_a_visitor_does', async () => {
  const listened = {};
  for (const side of SIDES) {
    const init = () => {
      window.listened = [];
      const add = EventTarget.prototype.addEventListener;
      EventTarget.prototype.addEventListener = function (name, ...rest) {
        window.listened.push(name);
        return add.call(this, name, ...rest);
      };
    };
    const { tab, close } = await stage.open(side, '/idle', { init });
    await runs(tab, 'chat');
    listened[side] = await tab.evaluate(() => window.listened);
    await close();
  }
  const added = [...listened.through];
  for (const name of listened.origin) added.splice(added.indexOf(name), 1);
  assert.deepEqual(added, ['load']);
});

test('h40_a_script_inserted_before_the_first_still_finds_one', async () => {
  for (const action of ['async', 'defer', 'idle', 'blocked']) {
    for (const side of SIDES) {
      const { tab, close } = await stage.open(side, `/insert-${action}`);
      await runs(tab, 'inserted');
      await close();
    }
  }
});

// Counts of a visit, by its number, as the collector has them.
const counted = (visit) => {
  const counts = { page_view: 0, purchase: 0 };
  for (const { url } of stage.strangers.hits) {
    if (url.host === 'collector.example' && url.searchParams.get('visit') === visit) counts[url.pathname.slice(1)] += 1;
  }
  return counts;
};

test('h39_two_hundred_replayed_visits_are_counted_as_without_vitrine', async () => {
  const replay = async (side) => {
    const { tab, close } = await stage.open(side, `/visit?visit=${side}-0&of=200`);
    await tab.waitForURL('**/away', { timeout: 300_000 });
    await close();
  };
  await Promise.all(SIDES.map(replay));
  const sum = (side) => {
    const all = { page_view: 0, purchase: 0 };
    for (let number = 0; number < 200; number += 1) {
      const { page_view, purchase } = counted(`${side}-${number}`);
      all.page_view += page_view;
      all.purchase += purchase;
    }
    return all;
  };
  const expected = { page_view: 200, purchase: 160 };
  await eventually('the last beacons', () => SIDES.every((side) => sum(side).page_view >= 200), { tries: 25 }).catch(() => {});
  console.log('straight', sum('origin'), 'through Vitrine', sum('through'));
  assert.deepEqual(sum('origin'), expected);
  assert.deepEqual(sum('through'), expected);
  for (let number = 0; number < 200; number += 1) assert.deepEqual(counted(`through-${number}`), counted(`origin-${number}`), `visit ${number}`);
});

// What vendors are asked while a page of one side has another prerendered, and after it has gone there.
async function prerendered(side, name, seen) {
  const known = stage.strangers.hits.length;
  const close = undriven(stage.shop[side] + name, { args: stage.strangers.switches });
  const hits = () => stage.strangers.hits.slice(known).map(({ url }) => url);
  try {
    const left = (url) => url.pathname === '/leaving';
    await eventually('what comes when the visitor has gone on', () => hits().some(left) && hits().some(seen), { tries: 100 });
    await new Promise((done) => setTimeout(done, 700));
  } finally {
    await close();
  }
  const at = hits().findIndex((url) => url.pathname === '/leaving');
  return { before: hits().slice(0, at).filter(seen), after: hits().slice(at).filter(seen) };
}

test('h39_a_prerendered_page_is_counted_when_its_visitor_arrives', async () => {
  for (const side of SIDES) {
    const { before, after } = await prerendered(side, '/prerenders-a-visit', (url) => url.searchParams.get('visit') === 'prerendered');
    assert.deepEqual(before, [], `${side}: nothing is counted before`);
    assert.deepEqual(after.map((url) => [url.pathname, url.searchParams.get('activated')]), [['/page_view', 'true']], side);
  }
});

test('h39_an_idle_script_of_a_prerendered_page_waits_for_its_visitor', async () => {
  const chat = (url) => url.host === 'widget.intercom.io';
  const straight = await prerendered('origin', '/prerenders-a-chat', chat);
  assert.equal(straight.before.length, 1, 'the page is prerendered, and a chat that nobody holds loads');
  const through = await prerendered('through', '/prerenders-a-chat', chat);
  assert.deepEqual([through.before.length, through.after.length], [0, 1]);
});
