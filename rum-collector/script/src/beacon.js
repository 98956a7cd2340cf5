// The beacon: what this page view felt like, sent at most twice on a normal visit.
//
// It keeps nothing (no cookie, no storage, no id that outlives the page view), listens to no event that keeps a
// page out of the back/forward cache, does its work in short callbacks, and never throws into the page.
// Wire format and answers: docs of `vitrine-rum-collector`.
import {onCLS, onFCP, onINP, onLCP, onTTFB} from 'web-vitals';

const ENDPOINT = '/_v/b';
const EARLY_MS = 5000; // after load: the snapshot that survives a crash or a killed tab
const LAST_SEQ = 15; // the collector accepts no later one
const OLDEST_MS = 864e5; // nor a page view older than a day

const token = document.currentScript?.dataset.k;

/** Runs `work` and swallows what it throws: a page must not notice its own measurement. */
const quietly = (work) => (...args) => {
  try {
    return work(...args);
  } catch {}
};

let errors = 0;
let view; // the current page view; a bfcache restore begins a new one
let standing; // AbortController of the deferred request that stands in for a crash

const randomId = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (n) => (n % 36).toString(36)).join('');

const begin = (start) => {
  view = {id: randomId(), seq: 0, start, sent: '', metrics: {}};
};

/** A short selector: up to three steps of `tag#id` or `tag.class`, ASCII, at most 128 bytes. */
const selector = (node) => {
  const steps = [];
  for (; node && steps.length < 3; node = node.parentNode) {
    if (node.nodeType != 1) continue;
    const name = node.localName;
    if (node.id) {
      steps.unshift(name + '#' + node.id);
      break;
    }
    const css = node.classList[0];
    steps.unshift(css ? name + '.' + css : name);
  }
  return steps.join('>').replace(/[^!-~]/g, '').slice(-128) || undefined;
};

const ms = (value) => Math.max(0, Math.round(value));

/** Where the LCP went: first byte, load delay, load duration, render delay. They add up to the rounded LCP. */
const lcpParts = (total, entry, base) => {
  const lcp = ms(total);
  const clamp = (value, low) => Math.min(lcp, Math.max(low, ms(value - base)));
  const navigation = performance.getEntriesByType('navigation')[0];
  const resource = entry.url && performance.getEntriesByName(entry.url, 'resource')[0];
  const first = clamp(navigation ? navigation.responseStart : base, 0);
  const request = resource ? clamp(resource.requestStart || resource.startTime, first) : first;
  const loaded = resource ? clamp(resource.responseEnd, request) : request;
  return [first, request - first, loaded - request, lcp - loaded];
};

const details = (out, {LCP, INP, CLS}, start) => {
  const paint = LCP?.entries.at(-1);
  if (paint) {
    out.la = selector(paint.element);
    if (/^https?:/.test(paint.url)) {
      const path = new URL(paint.url).pathname;
      if (path.length <= 256) out.lu = path;
    }
    // A restored page painted from memory has no parts.
    if (LCP.navigationType != 'back-forward-cache') out.ls = lcpParts(LCP.value, paint, start);
  }
  const event = INP?.entries[0];
  if (event) {
    out.ia = selector(event.target);
    const delay = ms(event.processingStart - event.startTime);
    const work = ms(event.processingEnd - event.processingStart);
    out.is = [delay, work, ms(INP.value - delay - work)];
  }
  const shift = CLS?.entries.reduce((a, b) => (a.value > b.value ? a : b), 0);
  out.ca = selector(shift?.sources?.[0]?.node);
};

const snapshot = () => {
  const {LCP, FCP, TTFB, INP, CLS} = view.metrics;
  const network = navigator.connection;
  const out = {
    n: (TTFB || FCP || LCP || INP || CLS)?.navigationType || 'navigate',
    lcp: LCP && ms(LCP.value),
    fcp: FCP && ms(FCP.value),
    ttfb: TTFB && ms(TTFB.value),
    inp: INP && ms(INP.value),
    cls: CLS && Math.round(CLS.value * 1e4) / 1e4,
    vw: innerWidth,
    dm: navigator.deviceMemory,
    ect: network?.effectiveType,
    sd: network?.saveData ? 1 : undefined,
    er: errors || undefined,
    wd: navigator.webdriver ? 1 : undefined,
  };
  quietly(details)(out, view.metrics, view.start);
  return out;
};

/**
 * Sends what is new. With `later`, only leaves a deferred request with the browser, which sends it if this page
 * ends without another word; the next call replaces it.
 */
const send = quietly((later) => {
  const news = snapshot();
  const text = JSON.stringify(news);
  const age = ms(performance.now() - view.start);
  if (view.seq > LAST_SEQ || age > OLDEST_MS || (text == view.sent && !later)) return;
  const body = JSON.stringify({v: 1, k: token, i: view.id, q: view.seq, t: age, ...news});
  standing?.abort();
  standing = undefined;
  if (later) {
    if (self.fetchLater) {
      standing = new AbortController();
      fetchLater(ENDPOINT, {method: 'POST', body, signal: standing.signal});
    }
    return;
  }
  view.sent = text;
  view.seq++;
  try {
    fetchLater(ENDPOINT, {method: 'POST', body, activateAfter: 0});
  } catch {
    navigator.sendBeacon?.(ENDPOINT, body) || fetch(ENDPOINT, {method: 'POST', body, keepalive: true}).catch(() => {});
  }
});

const early = () => {
  const {id} = view;
  setTimeout(() => {
    // Hidden before: sent already. Restored since: another page view has its own early snapshot.
    if (view.id == id && !view.seq) send();
  }, EARLY_MS);
};

const start = quietly(() => {
  begin(performance.getEntriesByType('navigation')[0]?.activationStart || 0);
  // Registered before web-vitals registers its own: the new page view exists when its metrics arrive.
  addEventListener(
    'pageshow',
    (event) => {
      if (event.persisted) {
        begin(event.timeStamp);
        early();
      }
    },
    true,
  );
  const keep = quietly((metric) => {
    view.metrics[metric.name] = metric;
    if (view.seq) send(true);
  });
  const all = {reportAllChanges: true};
  onTTFB(keep);
  onFCP(keep);
  onLCP(keep, all);
  onINP(keep, all);
  onCLS(keep, all);
  // In the bubble phase: web-vitals finishes its metrics in the capture phase of the same event.
  addEventListener('visibilitychange', () => document.visibilityState == 'hidden' && send());
  addEventListener('pagehide', () => send());
  addEventListener('error', () => errors++);
  if (document.readyState == 'complete') early();
  else addEventListener('load', early);
});

if (token && !navigator.globalPrivacyControl) {
  // A page that is only being prerendered is not a page view yet.
  if (document.prerendering) addEventListener('prerenderingchange', start, {once: true});
  else start();
}
