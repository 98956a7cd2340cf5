// A page straight and through Vitrine, side by side: what its console says there that it does not say here.
import { watchConsole } from './browser.mjs';

// How long a page may take to load, and how long it is watched afterwards for what timers do, in milliseconds.
const LOAD_MS = 20_000;
const SETTLE_MS = 350;

// What a page shows of itself, and what Vitrine says of it. `act` may do something with it before it is closed, and its result is `found`.
export async function look(context, address, act) {
  const page = await context.newPage();
  const errors = [];
  watchConsole(page, errors);
  const answer = await page.goto(address, { waitUntil: 'load', timeout: LOAD_MS }).catch((error) => {
    errors.push(`not loaded: ${error.message.split('\n')[0]}`);
  });
  await page.waitForTimeout(SETTLE_MS);
  const found = await act?.(page, answer);
  const text = await page.evaluate(() => document.body?.innerText.length ?? 0).catch(() => 0);
  await page.close();
  const layer = answer?.headers()['x-vitrine'] ?? '';
  return { text, layer, found, errors: errors.map((error) => plain(error, new URL(address).origin)) };
}

// An error without what differs between two visits: the side's own address, and queries, in which JSONP counts calls.
const plain = (error, base) => error.replaceAll(base, '').replace(/\?[^)]*\)$/, ')');

// Errors that only the second list has. How often each is said depends on time alone: a browser that asks for one
// picture in ten places says its failure once, or ten times.
function added(before, after) {
  return [...new Set(after)].filter((error) => !before.includes(error));
}

// Looks at both sides, and says what is wrong with the second.
export async function beside(straight, through) {
  let before = await straight();
  let after = await through();
  // Some pages say something only now and then, by themselves: then both are looked at again.
  for (let again = 0; again < 2 && added(before.errors, after.errors).length > 0; again += 1) {
    const [more, last] = [await straight(), await through()];
    before = { ...before, errors: [...before.errors, ...more.errors] };
    after = last;
  }
  const wrong = added(before.errors, after.errors);
  if (after.text < before.text / 2) wrong.push(`${after.text} letters are seen, straight ${before.text}`);
  return { before, after, wrong };
}

// Every one, so many at a time.
export async function each(all, parallel, work) {
  const left = [...all];
  await Promise.all(Array.from({ length: parallel }, async () => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await work(one);
  }));
}
