// A page that the browser keeps for "back" must still be kept when Vitrine stands in front.
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

const browser = await launch({ bfcache: true });
let failed = 0;
let eligible = 0;
for (const path of args.pages.split(',')) {
  const straight = await back(browser, args.origin, path);
  const through = await back(browser, args.vitrine, path);
  if (straight.kept) eligible += 1;
  const good = !straight.kept || (through.kept && through.reasons.length === 0);
  if (!good) failed += 1;
  const tell = (seen) => (seen.kept ? 'kept' : `not kept (${seen.reasons.join(', ') || 'no reason given'})`);
  console.log(`${good ? 'ok  ' : 'FAIL'} ${path}: straight ${tell(straight)}, through Vitrine ${tell(through)}`);
}
await browser.close();
if (eligible === 0) {
  console.log('FAIL no page is kept without Vitrine either, so nothing was tested');
  failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
