// Makes the critical style of a page, for `[[passes.critical_css.rules]]`:
//
//   node loadtests/browser/critical.mjs --url https://shop.example/p/1 --output critical/product.css
//
// Kept is every rule of the page's own blocking style sheets that can apply to an element of the page, whatever
// is hovered, focused or checked, on each of the widths; with its media, layers, containers and conditions. More
// than a coverage of used rules would keep, so that nothing looks different before the sheets are there. A class
// that a script adds later is not in the page yet: name such classes with --keep.
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

import { parse } from './lib/args.mjs';
import { launch } from './lib/browser.mjs';

const MAX_BYTES = 32 * 1024;

// Runs in the page. Without `kept` it answers with the keys of the rules that can apply; with it, with their text.
function walk({ kept, keep }) {
  const always = keep ? new RegExp(keep) : null;
  const found = [];
  const warnings = [];
  // A selector without what depends on the moment: it matches at least as much.
  const lasting = (selector) => {
    let text = '';
    let [depth, quote, bracket] = [0, '', 0];
    for (let i = 0; i < selector.length; i += 1) {
      const char = selector[i];
      if (quote) {
        if (char === quote) quote = '';
        if (depth === 0) text += char;
      } else if (depth > 0) {
        if (char === '(') depth += 1;
        if (char === ')') depth -= 1;
      } else if (char === '"' || char === "'") {
        quote = char;
        text += char;
      } else if (char === '[' || char === ']') {
        bracket += char === '[' ? 1 : -1;
        text += char;
      } else if (char === '\\') {
        text += char + (selector[i + 1] ?? '');
        i += 1;
      } else if (char === ':' && !bracket) {
        if (/(^|[\s>+~,])$/.test(text)) text += '*';
        while (/[:a-zA-Z-]/.test(selector[i + 1] ?? '')) i += 1;
        if (selector[i + 1] === '(') {
          depth = 1;
          i += 1;
        }
      } else text += char;
    }
    return text;
  };
  const applies = (selector) => {
    if (always?.test(selector)) return true;
    try {
      return document.querySelector(lasting(selector)) !== null;
    } catch {
      return true;
    }
  };
  const rebased = (text, base) =>
    text.replace(/url\(\s*(["']?)(.*?)\1\s*\)/g, (whole, _, address) => {
      if (/^(data:|#|$)/.test(address)) return whole;
      const url = new URL(address, base);
      return `url("${url.origin === location.origin ? url.pathname + url.search + url.hash : url.href}")`;
    });
  const inside = (rules, context, base) => [...rules].map((rule) => one(rule, context, base)).filter(Boolean).join('');
  const around = (rule, context, base, prelude) => {
    const body = inside(rule.cssRules, `${context}${prelude}`, base);
    return body && `${prelude}{${body}}`;
  };
  function one(rule, context, base) {
    if (rule instanceof CSSStyleRule) {
      const key = `${context}{${rule.selectorText}`;
      if (kept ? !kept.includes(key) : !applies(rule.selectorText)) return '';
      found.push(key);
      return rebased(rule.cssText, base);
    }
    if (rule instanceof CSSImportRule) return imported(rule, context);
    if (rule instanceof CSSKeyframesRule || !rule.cssRules) return /^@(charset|namespace)/.test(rule.cssText) ? '' : rebased(rule.cssText, base);
    return around(rule, context, base, rule.cssText.slice(0, rule.cssText.indexOf('{')).trim());
  }
  function imported(rule, context) {
    if (!rule.styleSheet) return '';
    let text = inside(rule.styleSheet.cssRules, `${context}@import ${rule.href}`, rule.styleSheet.href);
    if (rule.layerName !== null && rule.layerName !== undefined) text = `@layer ${rule.layerName}{${text}}`;
    if (rule.supportsText) text = `@supports ${rule.supportsText}{${text}}`;
    return rule.media.mediaText ? `@media ${rule.media.mediaText}{${text}}` : text;
  }
  let inline = false;
  const text = [...document.styleSheets].map((sheet) => {
    const owner = sheet.ownerNode;
    if (!owner.closest('head')) return '';
    if (owner.tagName !== 'LINK') {
      inline = true;
      return '';
    }
    const media = owner.media.trim();
    if (sheet.disabled || owner.title || media === 'print' || new URL(owner.href).origin !== location.origin) return '';
    if (inline) warnings.push(`${owner.href} comes after a <style>: rules of the same weight in both apply in the other order until it is there`);
    const rules = inside(sheet.cssRules, owner.href, sheet.href);
    return rules && media && media !== 'all' ? `@media ${media}{${rules}}` : rules;
  });
  return { found, warnings, text: text.join('') };
}

// The critical style of the page at `url`, and what to know about it.
export async function critical(browser, url, { widths = [390, 820, 1280], keep = '' } = {}) {
  const page = await browser.newPage();
  try {
    const kept = new Set();
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 });
      await page.goto(url, { waitUntil: 'load' });
      for (const key of (await page.evaluate(walk, { kept: null, keep })).found) kept.add(key);
    }
    const { text, warnings } = await page.evaluate(walk, { kept: [...kept], keep });
    if (text.length > MAX_BYTES) warnings.push(`${text.length} bytes; at most ${MAX_BYTES} can be used`);
    return { css: text, warnings };
  } finally {
    await page.close();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const args = parse({ url: '', output: 'critical.css', widths: '390,820,1280', keep: '' });
  const browser = await launch();
  try {
    const made = await critical(browser, args.url, { widths: args.widths.split(',').map(Number), keep: args.keep });
    writeFileSync(args.output, made.css);
    for (const warning of made.warnings) console.error(`warning: ${warning}`);
    console.log(`${args.output}: ${made.css.length} bytes`);
  } finally {
    await browser.close();
  }
}
