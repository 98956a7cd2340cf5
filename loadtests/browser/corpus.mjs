// Pages that nobody wrote for Vitrine, straight and through it, with every default on: the console must not say
// anything new.
//
//   node corpus.mjs --folder DIR --fetch true            only brings the pages
//   node corpus.mjs --folder DIR --binary VITRINE --manifest spin.toml --config FILE
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';

import { parse } from './lib/args.mjs';
import { VIEWPORT, eventually, launch, watchConsole } from './lib/browser.mjs';
import { fetchAll, pages, sample, serve } from './lib/corpus.mjs';

const args = parse({
  folder: '',
  fetch: false,
  binary: '',
  manifest: 'spin.toml',
  config: '',
  originPort: 14310,
  vitrinePort: 14311,
  parallel: 6,
});

// What a bar of this project asks for.
const FEWEST_PAGES = 200;
// How long a page may take to load, and how long it is watched afterwards for what timers do, in milliseconds.
const LOAD_MS = 20_000;
const SETTLE_MS = 350;

// Only this machine is asked: no other name is known. To intercept requests would do the same, and cost more than all
// else here, because the browser then keeps nothing.
const OFFLINE = '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1';

const folder = path.resolve(args.folder);

// An error without what differs between two visits: the side's own address, and queries, in which JSONP counts calls.
const plain = (error, base) => error.replaceAll(base, '').replace(/\?[^)]*\)$/, ')');

// What a page's console says.
async function errorsOf(context, base, file) {
  const page = await context.newPage();
  const errors = [];
  watchConsole(page, errors);
  const address = `${base}/${file.split('/').map(encodeURIComponent).join('/')}`;
  const answer = await page.goto(address, { waitUntil: 'load', timeout: LOAD_MS }).catch((error) => {
    errors.push(`not loaded: ${error.message.split('\n')[0]}`);
  });
  await page.waitForTimeout(SETTLE_MS);
  const text = await page.evaluate(() => document.body?.innerText.length ?? 0).catch(() => 0);
  await page.close();
  const rewritten = (answer?.headers()['x-vitrine'] ?? '').includes('rewritten');
  return { text, rewritten, errors: errors.map((error) => plain(error, base)) };
}

// Starts Vitrine in front of the pages, and waits until it answers.
async function vitrine(state) {
  const log = fs.openSync(path.join(state, 'vitrine.log'), 'w');
  const child = spawn(args.binary, [
    'up', '--manifest', args.manifest, '--config', args.config, '--origin', `http://127.0.0.1:${args.originPort}`,
    '--listen', `127.0.0.1:${args.vitrinePort}`, '--state-dir', path.join(state, 'state'), '--quiet',
  ], { stdio: ['ignore', log, log] });
  await eventually('Vitrine', async () => {
    if (child.exitCode !== null) throw new Error(fs.readFileSync(path.join(state, 'vitrine.log'), 'utf8'));
    return fetch(`http://127.0.0.1:${args.vitrinePort}/`).catch(() => null);
  }, { tries: 240, pause: 500 });
  return child;
}

// Every page, so many at a time.
async function each(files, work) {
  const left = [...files];
  await Promise.all(Array.from({ length: args.parallel }, async () => {
    for (let file = left.shift(); file; file = left.shift()) await work(file);
  }));
}

// Errors that only the second list has. How often each is said depends on time alone: a browser that asks for one
// picture in ten places says its failure once, or ten times.
function added(before, after) {
  return [...new Set(after)].filter((error) => !before.includes(error));
}

fetchAll(folder);
const all = pages(folder);
console.log(`${all.flat().length} pages of ${all.length} packages`);

test('no_page_of_the_corpus_says_anything_new_in_the_console', { skip: args.fetch && 'only fetched' }, async () => {
  const files = sample(all);
  assert.ok(files.length >= FEWEST_PAGES, `${files.length} pages`);
  const state = fs.mkdtempSync(path.join(os.tmpdir(), 'vitrine-corpus-'));
  const server = await serve(folder, args.originPort);
  const wrong = [];
  let rewritten = 0;
  let layer;
  let browser;
  try {
    layer = await vitrine(state);
    browser = await launch({ args: [OFFLINE] });
    const [straight, through] = [`http://127.0.0.1:${args.originPort}`, `http://127.0.0.1:${args.vitrinePort}`];
    const [origin, edge] = [await browser.newContext({ viewport: VIEWPORT }), await browser.newContext({ viewport: VIEWPORT })];
    await each(files, async (file) => {
      let before = await errorsOf(origin, straight, file);
      let after = await errorsOf(edge, through, file);
      // Some pages say something only now and then, by themselves: then both are looked at again.
      for (let again = 0; again < 2 && added(before.errors, after.errors).length > 0; again += 1) {
        const [more, last] = [await errorsOf(origin, straight, file), await errorsOf(edge, through, file)];
        before = { ...before, errors: [...before.errors, ...more.errors] };
        after = last;
      }
      rewritten += Number(after.rewritten);
      const fresh = added(before.errors, after.errors);
      if (fresh.length > 0) wrong.push(`${file}: ${fresh.join('; ')}`);
      if (after.text < before.text / 2) wrong.push(`${file}: ${after.text} letters are seen, straight ${before.text}`);
    });
  } finally {
    await browser?.close();
    layer?.kill('SIGTERM');
    server.close();
    server.closeAllConnections();
  }
  console.log(`${files.length} pages seen straight and through, ${rewritten} of them rewritten`);
  assert.deepEqual(wrong, []);
  assert.ok(rewritten >= files.length * 0.9, `only ${rewritten} of ${files.length} were rewritten`);
});
