// What visitors wait for a kept page and a kept style sheet while pictures are encoded, and while none are, in turns.
// Every picture is new to Vitrine.
//
//   node loadtests/encodes.mjs [--vitrine BINARY] [--manifest FILE] [--encodes 8] [--rounds 3] [--seconds 15]
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { parse } from './browser/lib/args.mjs';
import { stand } from './browser/lib/stand.mjs';
import { fetchPackage, images } from './shops/photographs.mjs';

const args = parse({ vitrine: 'target/release/vitrine', manifest: 'spin.toml', lab: 'target/release/vitrine-loadtests', port: 4390, encodes: 8, rounds: 3, seconds: 15 });

fetchPackage();
const photographs = fs.readdirSync(images).filter((name) => name.endsWith('.jpg')).sort().map((name) => fs.readFileSync(path.join(images, name)));
const card = (n) => `<article class="card"><a href="/p/${n}"><img src="/m/${n}.jpg" alt="Vase ${n}" width="300" height="300"></a><p>${`Thrown by hand, number ${n}. `.repeat(20)}</p></article>\n`;
const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>T</title><link rel="stylesheet" href="/s.css"></head><body>${Array.from({ length: 100 }, (_, n) => card(n)).join('')}</body></html>`;
const fresh = { 'cache-control': 'public, max-age=3600' };

// The photograph with a comment of its own: other bytes, the same work.
function photograph(number) {
  const comment = Buffer.from(`\xff\xfe\x00\x0a${String(number).padStart(8, '0')}`, 'latin1');
  const file = photographs[number % photographs.length];
  return Buffer.concat([file.subarray(0, 2), comment, file.subarray(2)]);
}

function shop(name) {
  if (name === '/s.css') return { headers: { ...fresh, 'content-type': 'text/css' }, body: '.card{margin:1rem}\n'.repeat(1000) };
  if (name.startsWith('/new/')) return { headers: { ...fresh, 'content-type': 'image/jpeg' }, body: photograph(Number(name.match(/\d+/)[0])) };
  return name === '/' ? { headers: fresh, body: page } : null;
}

const layer = await stand({
  vitrine: path.resolve(args.vitrine),
  manifest: path.resolve(args.manifest),
  port: Number(args.port),
  shop,
  policy: { rum: { enabled: true }, cache: { pages: ['other'] }, passes: { speculation_rules: { enabled: true } } },
});

const subjects = {
  'kept page': { path: '/', headers: ['accept: text/html', 'accept-encoding: br', 'sec-purpose: prefetch', 'sec-fetch-dest: document', 'sec-fetch-mode: navigate'] },
  'kept style sheet': { path: '/s.css', headers: ['accept: text/css', 'accept-encoding: br', 'sec-fetch-dest: style'] },
};

// Eighty requests a second, as from visitors who come when they come. A page is kept for a minute after a visit.
async function visitors({ path: name, headers }) {
  await (await fetch(layer.through + name, { headers: { accept: 'text/html' } })).arrayBuffer();
  const words = ['load', `${layer.through}${name}`, '--visitors', '8', '--every-ms', '100', '--seconds', String(args.seconds), ...headers.flatMap((line) => ['--header', line])];
  const lab = spawn(path.resolve(args.lab), words, { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    let text = '';
    lab.stdout.on('data', (piece) => (text += piece));
    lab.on('exit', (code) => (code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`${words.join(' ')} ended with ${code}`))));
  });
}

let [next, stop] = [0, false];
const shown = {};
const rest = (ms) => new Promise((done) => setTimeout(done, ms));
// One picture after another: each is asked for until its first variant is there, so that as many are in the encoders'
// hands as there are of these loops.
async function asks() {
  while (!stop) {
    next += 1;
    for (const url = `${layer.through}/new/${next}.jpg`; ; await rest(1000)) {
      const answer = await fetch(url, { headers: { accept: 'image/avif,image/webp,*/*' } });
      await answer.arrayBuffer();
      const kind = `${answer.status} ${answer.headers.get('content-type')}`;
      shown[kind] = (shown[kind] ?? 0) + 1;
      if (stop || kind !== '200 image/jpeg') break;
    }
  }
}

async function beside(work) {
  stop = false;
  const busy = Array.from({ length: Number(args.encodes) }, asks);
  await rest(1000);
  const outcome = await work();
  stop = true;
  await Promise.all(busy);
  return outcome;
}

const middle = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
try {
  for (const [name, subject] of Object.entries(subjects)) {
    await visitors(subject);
    const runs = { alone: [], beside: [] };
    for (let round = 0; round < Number(args.rounds); round += 1) {
      runs.alone.push(await visitors(subject));
      runs.beside.push(await beside(() => visitors(subject)));
      // What nobody waits for comes to its end.
      await rest(3000);
    }
    const of = (which, what) => middle(runs[which].map((run) => run[what]));
    const errors = [...runs.alone, ...runs.beside].reduce((sum, run) => sum + run.errors, 0);
    console.log(`${name}: p50 ${of('alone', 'p50_ms')} -> ${of('beside', 'p50_ms')} ms, p99 ${of('alone', 'p99_ms')} -> ${of('beside', 'p99_ms')} ms, ratio ${(of('beside', 'p99_ms') / of('alone', 'p99_ms')).toFixed(2)}, ${errors} errors`);
    console.log(`  every p99 alone ${runs.alone.map((run) => run.p99_ms).join(' ')}, beside ${runs.beside.map((run) => run.p99_ms).join(' ')}`);
  }
  console.log(`pictures while visitors were counted: ${JSON.stringify(shown)}`);
} finally {
  await layer.close();
}
