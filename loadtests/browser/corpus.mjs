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
import { beside, each, look } from './lib/beside.mjs';
import { VIEWPORT, eventually, launch } from './lib/browser.mjs';
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

// Only this machine is asked: no other name is known. To intercept requests would do the same, and cost more than all
// else here, because the browser then keeps nothing.
const OFFLINE = '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1';

const folder = path.resolve(args.folder);

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
    await each(files, args.parallel, async (file) => {
      const name = file.split('/').map(encodeURIComponent).join('/');
      const seen = await beside(() => look(origin, `${straight}/${name}`), () => look(edge, `${through}/${name}`));
      rewritten += Number(seen.after.layer.includes('rewritten'));
      if (seen.wrong.length > 0) wrong.push(`${file}: ${seen.wrong.join('; ')}`);
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
