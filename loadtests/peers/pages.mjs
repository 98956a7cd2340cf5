// Saves five storefront pages for the benches: two of the demo shop, three of EverShop where it is set up.
//
//   node loadtests/peers/pages.mjs [--lab target/release/vitrine-loadtests] [--to target/bench-pages] [--port 21705]
//
// They are the shops' own, and no part of the repository. What this starts, it stops.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    lab: { type: 'string', default: 'target/release/vitrine-loadtests' },
    to: { type: 'string', default: 'target/bench-pages' },
    port: { type: 'string', default: '21705' },
  },
});
const demo = `http://127.0.0.1:${options.port}`;
const shop = 'http://127.0.0.1:3100';
const evershop = path.join(path.dirname(fileURLToPath(import.meta.url)), '../shops/evershop.mjs');
const steer = (verb) => spawnSync('node', [evershop, verb], { stdio: ['ignore', 'ignore', 'inherit'] }).status;

async function answers(url, tries) {
  for (let left = tries; left > 0; left -= 1) {
    try {
      return (await fetch(url)).ok;
    } catch {
      await new Promise((done) => setTimeout(done, 200));
    }
  }
  return false;
}

async function save(url, name) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: status ${response.status}`);
  const page = Buffer.from(await response.arrayBuffer());
  fs.writeFileSync(path.join(options.to, `${name}.html`), page);
  process.stderr.write(`${name}: ${page.length} bytes, from ${url}\n`);
}

fs.mkdirSync(options.to, { recursive: true });
const words = ['shop', `--port=${options.port}`, `--third-party-port=${+options.port + 1}`, '--think-ms=0'];
const child = spawn(options.lab, words, { stdio: 'ignore' });
try {
  if (!(await answers(`${demo}/__demo/health`, 3000))) throw new Error('the demo shop does not answer');
  await save(`${demo}/`, 'demo-home');
  await save(`${demo}/p/ember-mug`, 'demo-product');
} finally {
  child.kill();
}

const runs = await answers(`${shop}/`, 1);
if (runs || steer('start') === 0) {
  try {
    await save(`${shop}/`, 'evershop-home');
    await save(`${shop}/accessories`, 'evershop-category');
    await save(`${shop}/accessories/modern-ceramic-vase-green`, 'evershop-product');
  } finally {
    if (!runs) steer('stop');
  }
} else {
  process.stderr.write('EverShop is not set up (loadtests/shops): benches go without its pages\n');
}
