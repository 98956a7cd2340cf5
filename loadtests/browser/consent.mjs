// Consent comes first, in a real browser: banners appear by themselves, what is blocked stays blocked, and a consent
// default runs before any Google tag, whatever the merchant's rules would move.
import assert from 'node:assert/strict';
import test from 'node:test';

import { parse } from './lib/args.mjs';
import { eventually } from './lib/browser.mjs';
import { SIDES, scene } from './lib/scene.mjs';

const args = parse({ vitrine: 'target/release/vitrine', manifest: 'spin.toml', port: 4350 });

// Rules of a merchant who wants everything later.
const RULES = [
  { vendor: 'google-tag-manager', action: 'async' },
  { vendor: 'google-tag', action: 'async' },
  { category: 'analytics', action: 'async' },
  { category: 'advertising', action: 'defer' },
  { category: 'chat', action: 'idle' },
  { match: '//*.marketing.example/*', action: 'idle' },
];

const ran = (name) => `(window.ran = window.ran || []).push('${name}');`;
// A consent tool that shows its banner at once, and lets go of what it held when the visitor agrees.
const BANNER = `${ran('cmp')}
  document.addEventListener('DOMContentLoaded', () => {
    const banner = document.createElement('div');
    banner.id = 'banner';
    banner.innerHTML = '<button id="agree">agree</button>';
    document.body.append(banner);
    banner.firstChild.onclick = () => {
      banner.remove();
      window.consent?.('update');
      for (const held of document.querySelectorAll('script[type="text/plain"]')) {
        const free = document.createElement('script');
        for (const { name, value } of held.attributes) if (name !== 'type') free.setAttribute(name, value);
        held.replaceWith(free);
      }
    };
  });`;
// One that also blocks, while the page is parsed, the scripts of hosts that it knows.
const BLOCKER = `${BANNER}
  new MutationObserver((records) => {
    for (const record of records) for (const node of record.addedNodes) {
      if (node.nodeName === 'SCRIPT' && /hotjar|marketing/.test(node.src)) node.type = 'text/plain';
    }
  }).observe(document.documentElement, { childList: true, subtree: true });`;
// A Google tag sees whether the default was set before it.
const GOOGLE = `${ran('google')} {
  const first = (window.dataLayer || [])[0];
  if (!first || first[0] !== 'consent' || first[1] !== 'default') throw new Error('no consent default before the tag');
}`;

const VENDORS = {
  'consent.cookiebot.com/uc.js': { body: BANNER, delay: 150 },
  'cdn.cookielaw.org/scripttemplates/otSDKStub.js': { body: BLOCKER, delay: 150 },
  'www.googletagmanager.com/gtm.js': { body: GOOGLE, delay: 30 },
  'www.googletagmanager.com/gtag/js': { body: GOOGLE, delay: 30 },
  'static.hotjar.com/c/hotjar-1.js': { body: ran('hotjar') },
  'tags.marketing.example/1.js': { body: ran('marketing') },
  'widget.intercom.io/widget/a': { body: ran('chat') },
};

const page = (head, body = '') => ({
  body: `<!doctype html><html><head><meta charset="utf-8"><title>Vase</title>${head}</head><body>${body}<p id="end">end</p></body></html>`,
});
const HOTJAR = 'src="https://static.hotjar.com/c/hotjar-1.js"';
const MARKETING = 'src="https://tags.marketing.example/1.js"';
const DEFAULT = "<script>window.dataLayer = []; function gtag() { dataLayer.push(arguments); } gtag('consent', 'default', { ad_storage: 'denied' });</script>";
const GTM = '<script src="https://www.googletagmanager.com/gtm.js?id=GTM-1"></script>';
const GTAG = '<script src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>';
const PAGES = {
  '/banner': page(
    `<script src="https://consent.cookiebot.com/uc.js" data-cbid="1"></script>
     <script type="text/plain" data-cookieconsent="statistics" ${HOTJAR}></script>
     <script type="text/plain" data-cookieconsent="marketing" ${MARKETING}></script>`,
    '<script src="https://widget.intercom.io/widget/a" type="text/plain" data-cookieconsent="preferences"></script>',
  ),
  '/blocker': page(
    '<script src="https://cdn.cookielaw.org/scripttemplates/otSDKStub.js"></script>',
    `<script ${HOTJAR}></script><script ${MARKETING}></script>`,
  ),
  '/default': page(`${DEFAULT}${GTM}${GTAG}`),
  '/default-elsewhere': page(`<script src="/js/consent.js"></script>${GTM}`),
  '/js/consent.js': { headers: { 'content-type': 'text/javascript' }, body: "window.dataLayer = []; function gtag() { dataLayer.push(arguments); } gtag('consent', 'default', {});" },
};

const stage = scene({ ...args, pages: PAGES, answer: (address) => VENDORS[address] ?? null, policy: { passes: { third_party_scripts: { rules: RULES } } } });

const executed = (tab) => tab.evaluate(() => window.ran || []);
// Longer than any idle script waits.
const LONG = 5000;

for (const name of ['/banner', '/blocker']) {
  test(`h32_the_banner_comes_by_itself_and_what_is_blocked_stays_blocked: ${name}`, async () => {
    for (const side of SIDES) {
      const { tab, errors, asked, close } = await stage.open(side, name);
      await tab.waitForSelector('#banner', { timeout: 3000 });
      await tab.waitForTimeout(LONG);
      // The browser fetches ahead what the second tool blocks later; it does not run it.
      if (name === '/banner') assert.deepEqual(asked(), ['consent.cookiebot.com'], `${side}: nobody else is asked before consent`);
      assert.deepEqual(await executed(tab), ['cmp'], side);
      await tab.click('#agree');
      await eventually('what was held', async () => (await executed(tab)).includes('marketing') && (await executed(tab)).includes('hotjar'));
      await tab.waitForTimeout(300);
      const after = await executed(tab);
      assert.equal(after[0], 'cmp', side);
      for (const one of after) assert.equal(after.filter((other) => other === one).length, 1, `${side}: ${one} runs once`);
      assert.deepEqual(errors, [], side);
      await close();
    }
  });
}

for (const name of ['/default', '/default-elsewhere']) {
  test(`h33_a_consent_default_runs_before_any_google_tag: ${name}`, async () => {
    for (const side of SIDES) {
      const { tab, errors, close } = await stage.open(side, name);
      const tags = name === '/default' ? 2 : 1;
      await eventually('the tags', async () => (await executed(tab)).length === tags);
      assert.deepEqual(errors, [], side);
      await tab.waitForTimeout(300);
      assert.deepEqual(await executed(tab), Array(tags).fill('google'), side);
      await close();
    }
  });
}

test('h33_the_google_tags_of_a_page_with_a_consent_default_are_left_to_the_byte', async () => {
  const text = async (side) => (await fetch(stage.shop[side] + '/default')).text();
  assert.equal(await text('through'), await text('origin'));
  const elsewhere = await (await fetch(`${stage.shop.through}/default-elsewhere`)).text();
  assert.ok(elsewhere.includes('gtm.js?id=GTM-1" async=""'), 'and the rule works elsewhere');
});
