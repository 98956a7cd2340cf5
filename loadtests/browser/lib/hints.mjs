// What visits with a real browser show of pages, as template hints: see docs/hints.md.

// The groups of the record, each with a screen that is common among its visitors.
export const SCREENS = {
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 3, isMobile: true, hasTouch: true },
  tablet: { viewport: { width: 820, height: 1180 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  desktop: { viewport: { width: 1440, height: 900 } },
};

// Bounds of the record.
const MAX_ENTRIES = 64;
const LATE_MS = 300;
// The largest paint may follow `load`: pictures decode after it.
const SETTLE_MS = 200;

function watchPaint() {
  window.__lcp = null;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.__lcp = entry;
  }).observe({ type: 'largest-contentful-paint', buffered: true });
}

// Until two frames are drawn and something large has been painted, which a busy machine takes its time for.
async function painted() {
  const frame = () => new Promise(requestAnimationFrame);
  await frame();
  await frame();
  for (let i = 0; i < 20 && !window.__lcp; i += 1) await new Promise((done) => setTimeout(done, 100));
}

// Runs in the page. `html` is the page as it was sent: selectors and ordinals are those of the sent page, whatever its
// scripts have added since.
function look({ html, lateMs }) {
  const sent = new DOMParser().parseFromString(html, 'text/html');
  for (const inert of sent.querySelectorAll('noscript, svg, math')) inert.remove();

  // A name that a build or a script makes has digits in it, or says what state the element is in.
  const isStable = (name) => /^[A-Za-z][A-Za-z_-]{1,30}$/.test(name) && !/^(is|has)-|active|current|selected|loaded|lazy/i.test(name);
  const own = (element) => {
    if (element.id && isStable(element.id)) return `#${element.id}`;
    const name = [...element.classList].find(isStable);
    return name ? `.${name}` : '';
  };
  const selectorOf = (element) => {
    const parts = [element.localName + own(element)];
    for (let at = element.parentElement; at && parts.length < 3; at = at.parentElement) {
      const named = own(at);
      if (named) parts.unshift(named);
      if (named.startsWith('#')) break;
    }
    return parts.join(' ');
  };
  const address = (element) => `${element.getAttribute('src')} ${element.getAttribute('srcset')}`;
  const alive = (element, selector, ordinal) => {
    const all = [...document.querySelectorAll(selector)];
    if (all[ordinal] && address(all[ordinal]) === address(element)) return all[ordinal];
    return all.find((one) => address(one) === address(element));
  };

  // What is left of an element's box within everything that clips it.
  const shown = (element) => {
    let { left, top, right, bottom } = element.getBoundingClientRect();
    [left, top, right, bottom] = [Math.max(left, 0), Math.max(top, 0), Math.min(right, innerWidth), Math.min(bottom, innerHeight)];
    for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) {
      if (getComputedStyle(at).overflow === 'visible') continue;
      const clip = at.getBoundingClientRect();
      [left, top, right, bottom] = [Math.max(left, clip.left), Math.max(top, clip.top), Math.min(right, clip.right), Math.min(bottom, clip.bottom)];
    }
    return right - left > 0 && bottom - top > 0;
  };
  const place = (element) => {
    if (element.getClientRects().length === 0) return 'hidden';
    const box = element.getBoundingClientRect();
    if (box.top >= innerHeight) return 'below_fold';
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return 'hidden';
    // Without a size of its own yet it can still be anything.
    if (box.width === 0 || box.height === 0) return '';
    return shown(element) ? '' : 'hidden';
  };

  const images = [];
  const ordinals = new Map();
  const selectors = new Map([...sent.querySelectorAll('img, iframe')].map((element) => [element, selectorOf(element)]));
  for (const selector of new Set(selectors.values())) {
    ordinals.set(selector, [...sent.querySelectorAll(selector)]);
  }
  for (const [element, selector] of selectors) {
    const ordinal = ordinals.get(selector).indexOf(element);
    const live = alive(element, selector, ordinal);
    if (!live) continue;
    images.push({ selector, ordinal, place: place(live), lcp: window.__lcp?.element === live });
  }

  const [navigation] = performance.getEntriesByType('navigation');
  const before = window.__lcp?.startTime ?? Infinity;
  const isFont = (url) => /\.(woff2?|ttf|otf)$/.test(url.pathname);
  const consumer = (url) =>
    [...document.querySelectorAll('[src], [href]')].find((one) => (one.src || one.href) === url.href);
  const origins = [];
  const resources = [];
  for (const entry of performance.getEntriesByType('resource')) {
    const url = new URL(entry.name);
    if (!/^https?:$/.test(url.protocol)) continue;
    const element = consumer(url);
    const cors = isFont(url) || Boolean(element?.hasAttribute('crossorigin'));
    if (url.origin !== location.origin && entry.startTime < before) origins.push({ origin: url.origin, cors });
    const blocks = entry.renderBlockingStatus === 'blocking';
    const kind = isFont(url) ? 'font' : blocks && entry.initiatorType === 'script' ? 'script' : blocks ? 'style' : '';
    if (!kind || entry.startTime - navigation.responseStart <= lateMs) continue;
    url.hash = '';
    const crossorigin = element?.getAttribute('crossorigin');
    const resource = { url: url.origin === location.origin ? url.pathname + url.search : url.href, kind };
    if (kind === 'font') resource.type = `font/${url.pathname.split('.').pop()}`;
    else if (crossorigin !== null && crossorigin !== undefined) resource.crossorigin = crossorigin === 'use-credentials' ? crossorigin : 'anonymous';
    if (element?.integrity) resource.integrity = element.integrity;
    resources.push(resource);
  }
  return { images, origins, resources };
}

async function visit(page, url) {
  await page.context().clearCookies();
  const answer = await page.goto(url, { waitUntil: 'load' });
  await page.evaluate(painted);
  await page.waitForTimeout(SETTLE_MS);
  return page.evaluate(look, { html: await answer.text(), lateMs: LATE_MS });
}

// Counts by the entry without its counts.
class Counts {
  #entries = new Map();

  entry(key, zeros) {
    const name = JSON.stringify(key);
    if (!this.#entries.has(name)) this.#entries.set(name, { ...key, ...zeros });
    return this.#entries.get(name);
  }

  list(by) {
    return [...this.#entries.values()].sort((a, b) => by(b) - by(a)).slice(0, MAX_ENTRIES);
  }
}

async function group(browser, urls, screen, { visits, atOnce }) {
  const [images, origins, resources] = [new Counts(), new Counts(), new Counts()];
  let [next, views] = [0, 0];
  const count = (seen) => {
    views += 1;
    for (const { selector, ordinal, place, lcp } of seen.images) {
      const entry = images.entry({ selector, ordinal }, { seen: 0, lcp: 0, below_fold: 0, hidden: 0 });
      entry.seen += 1;
      entry.lcp += lcp ? 1 : 0;
      if (place) entry[place] += 1;
    }
    // A view counts once, however often it used an origin.
    const once = (list) => [...new Set(list.map((one) => JSON.stringify(one)))].map((one) => JSON.parse(one));
    for (const key of once(seen.origins)) origins.entry(key, { before_lcp: 0 }).before_lcp += 1;
    for (const key of once(seen.resources)) resources.entry(key, { late: 0 }).late += 1;
  };
  // One after the other in the same browser, which keeps what may be kept: where things stand is the same.
  const worker = async () => {
    const context = await browser.newContext(SCREENS[screen]);
    const page = await context.newPage();
    await page.addInitScript(watchPaint);
    while (next < visits) {
      const url = urls[next % urls.length];
      next += 1;
      count(await visit(page, url));
    }
    await context.close();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return {
    viewport: screen,
    views,
    images: images.list((one) => one.lcp),
    origins: origins.list((one) => one.before_lcp),
    resources: resources.list((one) => one.late),
  };
}

// `templates` is a map from a template's name to the paths of its pages. Gives a file for `vitrine hints import`.
export async function collect(browser, base, templates, { visits = 80, screens = Object.keys(SCREENS), atOnce = 3, say = () => {} } = {}) {
  const file = { version: 1, templates: [] };
  for (const [template, paths] of Object.entries(templates)) {
    const urls = paths.map((path) => new URL(path, base).href);
    const groups = [];
    for (const screen of screens) {
      groups.push(await group(browser, urls, screen, { visits, atOnce }));
      say(`${template}, ${screen}: ${visits} visits, ${groups.at(-1).images.length} images`);
    }
    file.templates.push({ template, groups });
  }
  return file;
}
