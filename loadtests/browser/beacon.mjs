// A real browser's beacon arrives: the page reports its metrics, and `vitrine report` shows them.
import { execFileSync } from 'node:child_process';
import { parse } from './lib/args.mjs';
import { VIEWPORT, launch } from './lib/browser.mjs';

const args = parse({
  vitrine: 'http://127.0.0.1:4000',
  pages: '/,/c/ceramics,/p/tidewater-vase',
  visits: 3,
  // The command that prints the report as JSON, split at spaces; empty: only the beacons are checked.
  report: '',
});
const pages = args.pages.split(',');
let failed = 0;
const check = (name, good, detail = '') => {
  console.log(`${good ? 'ok  ' : 'FAIL'} ${name}${good || !detail ? '' : `: ${detail}`}`);
  if (!good) failed += 1;
};
const count = () => {
  const [program, ...rest] = args.report.split(' ');
  return total(JSON.parse(execFileSync(program, rest, { encoding: 'utf8' })));
};
// Page views in a report: the largest count of each template and device, whatever the nesting of the document.
function total(report) {
  const found = JSON.stringify(report).match(/"n":(\d+)/g) ?? [];
  return found.reduce((sum, text) => sum + Number(text.slice(4)), 0);
}

const before = args.report ? count() : 0;
const browser = await launch();
const beacons = [];
for (const path of pages) {
  for (let i = 0; i < args.visits; i += 1) {
    const context = await browser.newContext({ viewport: VIEWPORT });
    const page = await context.newPage();
    context.on('response', (answer) => {
      if (new URL(answer.url()).pathname === '/_v/b') beacons.push({ path, status: answer.status(), body: answer.request().postData() ?? '' });
    });
    await page.goto(new URL(path, args.vitrine).href, { waitUntil: 'load' });
    await page.mouse.click(640, 10);
    // The early snapshot leaves 5 s after `load`; the final one when the page is hidden.
    await page.waitForTimeout(5600);
    await page.goto('about:blank');
    await page.waitForTimeout(600);
    await context.close();
  }
}
await browser.close();

for (const path of pages) {
  const own = beacons.filter((one) => one.path === path);
  check(`${path}: the page sends beacons`, own.length >= args.visits, `${own.length} for ${args.visits} visits`);
  check(`${path}: each is answered 204`, own.length > 0 && own.every((one) => one.status === 204), own.map((one) => one.status).join(' '));
  const bodies = own.map((one) => { try { return JSON.parse(one.body); } catch { return {}; } });
  check(`${path}: LCP, FCP and TTFB are in it`, bodies.some((body) => body.lcp > 0 && body.fcp > 0 && body.ttfb >= 0), own.map((one) => one.body).join(' ').slice(0, 400));
}
if (args.report) {
  const after = count();
  check('the report counts the new page views', after > before, `${before} before, ${after} after`);
}
process.exitCode = failed === 0 ? 0 : 1;
