// What one visit costs: paint times, shifts, blocked time, bytes, requests, console errors.
import { CONDITIONS, VIEWPORT, throttle, watchConsole } from './browser.mjs';

// Scripts that are delayed until the visitor is idle run within 4 s after `load`; a visit is watched beyond that,
// so that work which was only moved is still counted.
const SETTLE_MS = 4500;

// Runs in the page before anything else.
function observe() {
  const seen = { lcp: 0, lcpElement: '', fcp: 0, shifts: [], tasks: [] };
  window.__lab = seen;
  const watch = (type, each) => {
    new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({ type, buffered: true });
  };
  watch('largest-contentful-paint', (entry) => {
    seen.lcp = entry.startTime;
    seen.lcpElement = entry.url ? new URL(entry.url).pathname : entry.element ? entry.element.tagName : '';
  });
  watch('paint', (entry) => {
    if (entry.name === 'first-contentful-paint') seen.fcp = entry.startTime;
  });
  watch('layout-shift', (entry) => {
    if (!entry.hadRecentInput) seen.shifts.push([entry.startTime, entry.value]);
  });
  watch('longtask', (entry) => seen.tasks.push([entry.startTime, entry.duration]));
}

// The largest session window: shifts less than 1 s apart, at most 5 s long (the definition of CLS).
export function cumulativeShift(shifts) {
  let worst = 0;
  let sum = 0;
  let first = 0;
  let last = 0;
  for (const [at, value] of shifts) {
    if (sum > 0 && at - last < 1000 && at - first < 5000) sum += value;
    else [sum, first] = [value, at];
    last = at;
    worst = Math.max(worst, sum);
  }
  return worst;
}

export function blockingTime(tasks, fcp) {
  return tasks.filter(([at, length]) => at + length > fcp).reduce((sum, [, length]) => sum + Math.max(0, length - 50), 0);
}

async function open(browser, options = {}) {
  const context = await browser.newContext({ viewport: VIEWPORT, ...options });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await throttle(session);
  return { context, page, session };
}

// A first visit: empty caches, no cookies.
export async function visit(browser, url) {
  const { context, page, session } = await open(browser);
  const errors = [];
  watchConsole(page, errors);
  const weight = { bytes: 0, requests: 0, imageBytes: 0 };
  const kinds = new Map();
  session.on('Network.responseReceived', (event) => kinds.set(event.requestId, event.type));
  session.on('Network.requestWillBeSent', (event) => {
    if (event.request.url.startsWith('http')) weight.requests += 1;
  });
  session.on('Network.loadingFinished', (event) => {
    weight.bytes += event.encodedDataLength;
    if (kinds.get(event.requestId) === 'Image') weight.imageBytes += event.encodedDataLength;
  });
  await page.addInitScript(observe);
  const answer = await page.goto(url, { waitUntil: 'load', timeout: 60_000 });
  await page.waitForTimeout(SETTLE_MS);
  const seen = await page.evaluate(() => ({
    ...window.__lab,
    ttfb: performance.getEntriesByType('navigation')[0].responseStart,
    load: performance.getEntriesByType('navigation')[0].loadEventEnd,
  }));
  const headers = answer.headers();
  await context.close();
  return {
    status: answer.status(),
    held: (headers['server-timing'] ?? '').includes('holdback:control'),
    decision: headers['x-vitrine'] ?? '',
    lcpElement: seen.lcpElement,
    lcp: seen.lcp,
    fcp: seen.fcp,
    ttfb: seen.ttfb,
    load: seen.load,
    cls: cumulativeShift(seen.shifts),
    tbt: blockingTime(seen.tasks, seen.fcp),
    ...weight,
    errors,
  };
}

// What the visitor sees at each moment, as frames of a screencast.
export async function film(browser, url, moments) {
  const { context, page, session } = await open(browser);
  const frames = [];
  const clock = { start: 0 };
  session.on('Page.screencastFrame', async (event) => {
    frames.push([event.metadata.timestamp * 1000, event.data]);
    await session.send('Page.screencastFrameAck', { sessionId: event.sessionId }).catch(() => {});
  });
  await session.send('Page.startScreencast', { format: 'jpeg', quality: 55, maxWidth: 640, maxHeight: 400, everyNthFrame: 1 });
  clock.start = Date.now();
  await page.goto(url, { waitUntil: 'load', timeout: 60_000 });
  const rest = clock.start + moments.at(-1) + 300 - Date.now();
  if (rest > 0) await page.waitForTimeout(rest);
  await session.send('Page.stopScreencast');
  const end = (await page.screenshot({ type: 'jpeg', quality: 60 })).toString('base64');
  await context.close();
  const shown = (moment) => frames.filter(([at]) => at <= clock.start + moment).at(-1)?.[1];
  return { moments: moments.map((moment) => ({ moment, image: shown(moment) })), end };
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export { CONDITIONS };
