// A page that the browser keeps for "back" must still be kept when Vitrine stands in front.
import assert from 'node:assert/strict';
import test from 'node:test';

import { parse } from './lib/args.mjs';
import { VIEWPORT, launch } from './lib/browser.mjs';

const args = parse({
  origin: 'http://127.0.0.1:3000',
  vitrine: 'http://127.0.0.1:4000',
  pages: '/,/c/ceramics,/p/tidewater-vase',
  away: '/c/textiles',
});

// Goes to a page, on to another, and back; says why the page was built anew, or `[]` when it was kept.
async function back(browser, base, path) {
  const context = await browser.newContext({ viewport: VIEWPORT });
  const page = await context.newPage();
  await page.goto(new URL(path, base).href, { waitUntil: 'load' });
  await page.waitForTimeout(5500);
  await page.evaluate(() => {
    window.addEventListener('pageshow', (event) => {
      window.__kept = event.persisted;
    });
  });
  await page.goto(new URL(args.away, base).href, { waitUntil: 'load' });
  await page.goBack({ waitUntil: 'commit' });
  await page.waitForTimeout(1500);
  const seen = await page.evaluate(() => {
    const [entry] = performance.getEntriesByType('navigation');
    return { kept: window.__kept === true, reasons: entry.notRestoredReasons ? entry.notRestoredReasons.reasons.map((one) => one.reason) : [] };
  });
  await context.close();
  return seen;
}

const tell = (seen) => (seen.kept ? 'kept' : `not kept (${seen.reasons.join(', ') || 'no reason given'})`);

test('h110_a_page_that_is_kept_for_back_is_still_kept', async () => {
  const browser = await launch({ bfcache: true });
  let eligible = 0;
  try {
    for (const path of args.pages.split(',')) {
      const straight = await back(browser, args.origin, path);
      const through = await back(browser, args.vitrine, path);
      console.log(`${path}: straight ${tell(straight)}, through Vitrine ${tell(through)}`);
      if (!straight.kept) continue;
      eligible += 1;
      assert.ok(through.kept, `${path} is ${tell(through)}`);
      assert.deepEqual(through.reasons, []);
    }
  } finally {
    await browser.close();
  }
  assert.ok(eligible > 0, 'no page is kept without Vitrine either, so nothing was tested');
});
