// What a visitor sees when the shop misbehaves, through a real Vitrine: nothing hangs, nothing is cut short and
// called whole, nothing unsafe is sent twice.
//
//   node loadtests/shops/origin-faults.mjs [vitrine binary, default target/release/vitrine] [manifest, default spin.toml]
//
// Starts its own misbehaving origin (127.0.0.1:4311) and Vitrine (127.0.0.1:4312); exit code 1 when a check failed.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';

const binary = path.resolve(process.argv[2] ?? 'target/release/vitrine');
const manifest = path.resolve(process.argv[3] ?? 'spin.toml');
const ORIGIN = 4311;
const VITRINE = 4312;
const FIRST_BYTE_MS = 1500;
const BETWEEN_BYTES_MS = 1000;
const OPEN_MS = 2000;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const HTML = { 'content-type': 'text/html; charset=utf-8' };

const counts = new Map();
let uploadFirstAt = 0;
const behaviours = {
  '/ok': (q, r) => r.writeHead(200, { ...HTML, 'set-cookie': ['a=1; Path=/', 'b=2; Path=/'] }).end('<p>whole</p>'),
  '/half': async (q, r) => {
    r.writeHead(200, HTML);
    r.write(`<!doctype html><title>x</title><p>first ${Date.now()}</p>`);
    await sleep(700);
    r.end('<p>second</p>');
  },
  '/silent': (q, r) => r.writeHead(200, HTML).write('<p>first'),
  '/slow': () => {},
  '/reset': (q, r) => q.socket.destroy(),
  '/reset-once': (q, r, count) => (count === 1 ? q.socket.destroy() : r.writeHead(200, HTML).end('<p>second try</p>')),
  '/cut': async (q, r) => {
    r.writeHead(200, { ...HTML, 'content-length': 1000 });
    r.write('<p>half');
    await sleep(100);
    q.socket.destroy();
  },
  '/cut-chunked': async (q, r) => {
    r.writeHead(200, HTML);
    r.write('<p>half');
    await sleep(100);
    q.socket.destroy();
  },
  '/upload': async (q, r) => {
    let bytes = 0;
    for await (const piece of q) {
      if (bytes === 0) uploadFirstAt = Date.now();
      bytes += piece.length;
    }
    r.writeHead(200, { 'content-type': 'text/plain' }).end(`${bytes}`);
  },
  '/busy': (q, r) => r.writeHead(503, { ...HTML, 'retry-after': '9' }).end('<p>theirs</p>'),
};

function origin() {
  const server = http.createServer((request, response) => {
    const name = new URL(request.url, 'http://x').pathname;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    const behaviour = behaviours[name];
    if (behaviour) behaviour(request, response, count);
    else response.writeHead(404).end();
  });
  server.on('clientError', (error, socket) => socket.destroy());
  return new Promise((resolve) => server.listen(ORIGIN, '127.0.0.1', () => resolve(server)));
}

async function vitrine(dir) {
  const config = path.join(dir, 'vitrine.toml');
  fs.writeFileSync(config, [
    '[origin]',
    `url = "http://127.0.0.1:${ORIGIN}"`,
    'connect_timeout_ms = 300',
    `first_byte_timeout_ms = ${FIRST_BYTE_MS}`,
    `between_bytes_timeout_ms = ${BETWEEN_BYTES_MS}`,
    'breaker_failures = 4',
    `breaker_open_ms = ${OPEN_MS}`,
    '',
  ].join('\n'));
  const log = fs.openSync(path.join(dir, 'vitrine.log'), 'w');
  const args = ['up', '--manifest', manifest, '--config', config, '--listen', `127.0.0.1:${VITRINE}`, '--state-dir', path.join(dir, 'state')];
  const child = spawn(binary, args, { stdio: ['ignore', log, log] });
  for (let i = 0; i < 240; i += 1) {
    await sleep(500);
    if (child.exitCode !== null) throw new Error(fs.readFileSync(path.join(dir, 'vitrine.log'), 'utf8'));
    const up = await ask('GET', '/_v/adapter/health').catch(() => null);
    if (up?.status === 200) return child;
  }
  throw new Error('Vitrine did not start');
}

/** One request: status, headers, body, whether the body ended properly, and when pieces came. */
function ask(method, to, { headers = {}, body } = {}) {
  const started = Date.now();
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: VITRINE, path: to, method, agent: false, headers: { accept: 'text/html', connection: 'close', ...headers } };
    const request = http.request(options, async (response) => {
      const answer = { status: response.statusCode, headers: response.headers, text: '', whole: true, pieces: [] };
      try {
        for await (const piece of response) {
          answer.text += piece;
          answer.pieces.push(Date.now());
        }
      } catch {
        answer.whole = false;
      }
      answer.ms = Date.now() - started;
      resolve(answer);
    });
    request.setTimeout(20_000, () => request.destroy(new Error(`${method} ${to} hangs`)));
    request.on('error', reject);
    if (typeof body === 'function') body(request);
    else request.end(body);
  });
}

let failures = 0;
function check(what, condition, seen) {
  if (!condition) failures += 1;
  process.stdout.write(`${condition ? 'ok  ' : 'FAIL'} ${what}: ${seen}\n`);
}

async function bodies() {
  const ok = await ask('GET', '/ok');
  const cookies = (ok.headers['set-cookie'] ?? []).map((cookie) => cookie.split('=')[0]);
  check('several cookies keep their order', cookies.indexOf('a') < cookies.indexOf('b') && cookies.includes('a'), cookies.join());
  const half = await ask('GET', '/half');
  const sent = Number(/first (\d+)/.exec(half.text)?.[1]);
  check('the first half leaves before the second arrives', half.whole && half.text.includes('second') && half.pieces[0] - sent < 200 && half.ms >= 700,
    `${half.pieces[0] - sent} ms after it was sent, ${half.ms} ms in all`);
  const silent = await ask('GET', '/silent');
  check('a body that falls silent is broken off', !silent.whole && silent.ms < BETWEEN_BYTES_MS + 1500, `whole=${silent.whole} after ${silent.ms} ms`);
  for (const name of ['/cut', '/cut-chunked']) {
    const cut = await ask('GET', name);
    check(`${name}: half a body is never called whole`, !cut.whole, `whole=${cut.whole}, ${cut.text.length} bytes`);
  }
}

async function uploads() {
  let lastAt = 0;
  const answer = await ask('POST', '/upload', {
    headers: { 'content-type': 'application/octet-stream' },
    body: async (request) => {
      for (let i = 0; i < 5; i += 1) {
        request.write(Buffer.alloc(100_000));
        await sleep(150);
      }
      lastAt = Date.now();
      request.end();
    },
  });
  check('an upload streams to the shop', answer.text === '500000' && uploadFirstAt > 0 && uploadFirstAt < lastAt - 300, `${answer.text} bytes, first ${lastAt - uploadFirstAt} ms before the last`);
}

async function retries() {
  const once = await ask('GET', '/reset-once');
  check('a broken connection is tried once more', once.status === 200 && counts.get('/reset-once') === 2, `${once.status}, ${counts.get('/reset-once')} requests`);
  const reset = await ask('GET', '/reset');
  check('and not a third time', reset.status >= 502 && counts.get('/reset') === 2, `${reset.status}, ${counts.get('/reset')} requests`);
  await ask('GET', '/ok');
  counts.delete('/reset');
  const post = await ask('POST', '/reset', { body: 'x=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } });
  check('an order is sent once, and its loss is no invitation', counts.get('/reset') === 1 && post.text.includes('before you try again'), `${post.status}, ${counts.get('/reset')} request`);
  await ask('GET', '/ok');
  const busy = await ask('GET', '/busy');
  check("the shop's own Retry-After is respected", busy.status === 503 && busy.headers['retry-after'] === '9' && counts.get('/busy') === 1, `${busy.status}, ${counts.get('/busy')} request`);
  await ask('GET', '/ok');
  const slow = await ask('GET', '/slow');
  check('a shop that does not answer costs its deadline', slow.status === 504 && slow.ms < FIRST_BYTE_MS + 1500 && counts.get('/slow') === 1, `${slow.status} after ${slow.ms} ms, ${counts.get('/slow')} request`);
  await ask('GET', '/ok');
}

async function outage(server) {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const page = await ask('GET', '/ok');
  check('a shop that is down is a page with Retry-After', page.status === 503 && Number(page.headers['retry-after']) > 0 && page.text.includes('Back in a moment') && page.headers['cache-control'].includes('no-store'),
    `${page.status}, retry-after ${page.headers['retry-after']}, ${page.headers['cache-control']}`);
  const data = await ask('GET', '/api/x', { headers: { accept: 'application/json' } });
  check('and a problem for programs', data.headers['content-type'] === 'application/problem+json', `${data.status} ${data.headers['content-type']}`);
  for (let i = 0; i < 4; i += 1) await ask('GET', '/ok');
  const ready = JSON.parse((await ask('GET', '/_v/adapter/ready')).text);
  const open = await ask('GET', '/ok');
  check('the circuit opens, and refusing is quick', ready.breakers.pages === 'open' && open.status === 503 && open.ms < 100, `${ready.breakers.pages}, ${open.ms} ms`);
  const again = await origin();
  const back = Date.now();
  let healed = null;
  while (Date.now() - back < OPEN_MS * 3 && healed === null) {
    const page = await ask('GET', '/ok');
    if (page.status === 200) healed = Date.now() - back;
    else await sleep(100);
  }
  check('one probe closes it again', healed !== null, `${healed} ms after the shop came back`);
  return again;
}

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'vitrine-faults-'));
let server = await origin();
let layer;
try {
  layer = await vitrine(dir);
  await bodies();
  await uploads();
  await retries();
  server = await outage(server);
} catch (error) {
  check('the run', false, error.stack);
} finally {
  layer?.kill('SIGTERM');
  server.closeAllConnections();
  server.close();
}
process.stdout.write(failures === 0 ? 'all passed\n' : `${failures} failed; log: ${dir}/vitrine.log\n`);
process.exit(failures === 0 ? 0 : 1);
