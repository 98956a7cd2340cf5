// What the host holds while a page of 50 MB streams through it, with every default on: above what it holds idle, less
// than 8 MiB, whatever coding the visitor takes, and also where pages are kept for browsers that fetch ahead.
//
//   node loadtests/memory.mjs --vitrine BINARY --manifest FILE [--state DIR] [--record FILE]
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';

import { parse } from './browser/lib/args.mjs';
import { stand } from './browser/lib/stand.mjs';

const args = parse({ vitrine: 'target/release/vitrine', manifest: 'spin.toml', port: 4380, state: '', record: '' });

const MIB = 1 << 20;
// What a bar of this project asks for.
const BOUND = 8 * MIB;
const SIZE = 50_000_000;
// A visitor on a line of 100 Mbit/s: slower than the shop and than the host.
const BYTES_A_SECOND = 12_500_000;

const HEAD = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>T</title><script src="https://www.googletagmanager.com/gtm.js?id=GTM-1"></script></head><body>';
// No two alike, as on a real page.
const card = (n) => `<article class="card"><a href="/p/${n}"><img src="/m/${n}.jpg" alt="Vase ${n}"></a><p>${`Thrown by hand, number ${(n * 2654435761) % 1e9}. `.repeat(40)}</p></article>\n`;
// Kinds of pages and what their visitors take.
const VISITS = [['own', 'br'], ['own', 'gzip'], ['own', 'identity'], ['public', 'br']];
const HEADERS = { own: {}, public: { 'cache-control': 'public, max-age=600' } };

function* pieces(size) {
  yield HEAD;
  for (let [n, sent] = [0, 0]; sent < size; n += 1) {
    const piece = card(n);
    sent += piece.length;
    yield piece;
  }
  yield '</body></html>';
}

// `/own/50000000/1` is a page of that size.
function shop(name) {
  const [, kind, size] = name.split('/');
  return HEADERS[kind] ? { headers: HEADERS[kind], stream: Readable.from(pieces(Number(size)), { objectMode: false, highWaterMark: 64 << 10 }) } : null;
}

// The bytes of an answer as they come over the line, taken no faster than a visitor does.
async function visit(url, coding) {
  const response = await new Promise((resolve, reject) => {
    http.get(url, { headers: { accept: 'text/html', 'accept-encoding': coding }, agent: false }, resolve).on('error', reject);
  });
  const started = Date.now();
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.length;
    const ahead = bytes / BYTES_A_SECOND - (Date.now() - started) / 1000;
    if (ahead > 0.01) await new Promise((done) => setTimeout(done, ahead * 1000));
  }
  return { bytes, layer: response.headers['x-vitrine'], coding: response.headers['content-encoding'] ?? 'identity', ms: Date.now() - started };
}

// What the kernel says of a process, in bytes. Five in `clear_refs` makes the present the highest so far.
const held = (pid, line) => Number(fs.readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${line}:\\s+(\\d+) kB`, 'm'))[1]) * 1024;
const forget = (pid) => fs.writeFileSync(`/proc/${pid}/clear_refs`, '5');

const temporary = args.state ? null : fs.mkdtempSync(path.join(os.tmpdir(), 'vitrine-memory-'));
const state = path.resolve(temporary ?? args.state);
const start = () => stand({
  vitrine: path.resolve(args.vitrine),
  manifest: path.resolve(args.manifest),
  port: args.port,
  shop,
  policy: { rum: { enabled: true }, cache: { pages: ['other'] } },
  state,
});
// The first start compiles the components, and what that leaves behind would hide what a page takes.
await (await start()).close();
const layer = await start();
const results = [];
try {
  // Idle is a host that has served a page of each kind, so that its code is in memory; pages of 2 kB leave nothing else.
  for (const [kind, coding] of VISITS) {
    for (let view = 0; view < 4; view += 1) await visit(`${layer.through}/${kind}/2000/${view}`, coding);
  }
  await new Promise((done) => setTimeout(done, 1000));
  const idle = held(layer.pid, 'VmRSS');
  for (const [n, [kind, coding]] of VISITS.entries()) {
    forget(layer.pid);
    const seen = await visit(`${layer.through}/${kind}/${SIZE}/${n}`, coding);
    const above = held(layer.pid, 'VmHWM') - idle;
    results.push({ page: kind, coding: seen.coding, bytes: seen.bytes, ms: seen.ms, idle, above, layer: seen.layer });
    console.log(`${kind}, ${seen.coding}: ${(above / MIB).toFixed(1)} MiB above ${(idle / MIB).toFixed(1)} idle, ${seen.bytes} bytes in ${seen.ms} ms; ${seen.layer}`);
  }
} finally {
  await layer.close();
  if (temporary) fs.rmSync(temporary, { recursive: true, force: true });
}
if (args.record) fs.writeFileSync(args.record, `${JSON.stringify(results, null, 2)}\n`);
for (const { page, coding, above, layer: said } of results) {
  assert.ok(said.includes('rewritten'), `${page}, ${coding}: ${said}`);
  assert.ok(above < BOUND, `${page}, ${coding}: ${above} bytes above idle`);
}
