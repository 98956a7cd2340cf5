// The same edits of the same pages by Vitrine and by Cloudflare's workerd (HTMLRewriter), in turns.
//
//   node loadtests/peers/workerd.mjs --pages target/bench-pages [--vitrine target/release/vitrine]
//     [--manifest spin.toml] [--requests 1500] [--rounds 3] [--port 21710]
//
// Both stand in front of one origin, which answers from memory, and both are asked a fixed number of times by
// 8 visitors over connections that stay open. What counts is pages per second of the processor's time that the
// peer itself has used, all its threads together: what the origin, the visitors and the rest of the machine do
// changes it little. `cargo xtask bench` saves the pages. workerd comes from npm into the cache directory.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const WORKERD = '1.20261117.1';
const VISITORS = 8;

const { values: options } = parseArgs({
  options: {
    pages: { type: 'string', default: 'target/bench-pages' },
    vitrine: { type: 'string', default: 'target/release/vitrine' },
    manifest: { type: 'string', default: 'spin.toml' },
    requests: { type: 'string', default: '1500' },
    rounds: { type: 'string', default: '3' },
    port: { type: 'string', default: '21710' },
  },
});
const ports = { origin: +options.port, vitrine: +options.port + 1, workerd: +options.port + 2 };
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'vitrine-peers-'));
const children = [];

/** Runs a server, waits until it answers, and puts it on the first core. */
async function start(command, args, port, cwd) {
  const log = fs.openSync(path.join(work, `${port}.log`), 'w');
  const child = spawn(command, args, { cwd, stdio: ['ignore', log, log] });
  children.push(child);
  // Vitrine compiles its components first.
  for (let tries = 0; tries < 3000; tries += 1) {
    if (child.exitCode !== null) break;
    try {
      await get(port, '/', new http.Agent());
      spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', '0', child.pid], { stdio: 'ignore' });
      return child;
    } catch {
      await new Promise((done) => setTimeout(done, 100));
    }
  }
  throw new Error(`${command} does not answer:\n${fs.readFileSync(path.join(work, `${port}.log`), 'utf8').slice(-2000)}`);
}

function get(port, where, agent) {
  const headers = { accept: 'text/html', 'accept-encoding': 'identity' };
  return new Promise((done, fail) => {
    const request = http.get({ host: '127.0.0.1', port, path: where, agent, headers }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => done({ status: response.statusCode, body: Buffer.concat(parts) }));
      response.on('error', fail);
    });
    request.on('error', fail);
  });
}

/** Seconds of processor time that a process has used. */
function used(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop().split(' ');
  return (+fields[11] + +fields[12]) / 100;
}

async function load({ child, port }, where, requests) {
  const [cpu, begun] = [used(child.pid), performance.now()];
  let left = requests;
  const visitor = async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    while (left > 0) {
      left -= 1;
      const { status } = await get(port, where, agent);
      if (status !== 200) throw new Error(`${port}${where}: status ${status}`);
    }
    agent.destroy();
  };
  await Promise.all(Array.from({ length: VISITORS }, visitor));
  const seconds = (performance.now() - begun) / 1000;
  return { per_core: requests / (used(child.pid) - cpu), per_second: requests / seconds };
}

/** What was done to a page, so that both can be seen to do the same. */
function edits(html) {
  const count = (pattern) => (html.match(pattern) ?? []).length;
  return {
    measurement: count(/<script src="\/_v\/rum\//g),
    preconnect: count(/<link rel="preconnect" href="https:\/\/cdn\.example"/g),
    sized: count(/<img[^>]* width="1600" height="1200"/g),
    asynchronous: count(/<script[^>]*src="http:\/\/127[^>]* async=""/g),
  };
}

const merchant = (origin) => `
[site]
id = "peers"
[origin]
url = "${origin}"
[compression]
enabled = false
[holdback]
percent = 0
[passes.preconnect]
origins = ["https://cdn.example"]
[[passes.third_party_scripts.rules]]
match = "http://127.0.0.1:*/tags/*"
action = "async"
[[passes.third_party_scripts.rules]]
match = "http://127.0.0.1:*/analytics/*"
action = "async"
[[passes.size_images.rules]]
selector = "main img"
width = 1600
height = 1200
`;

const worker = `
const script = '<script src="/_v/rum/0123456789abcdef.js" async data-k="1.eyJzIjoiZGVtbyIsInQiOiJjYXRlZ29yeSJ9.c2lnbmF0dXJl"></script>';
const rule = /^http:\\/\\/127\\.0\\.0\\.1:\\d+\\/(tags|analytics)\\//;
export default {
  async fetch(request, env) {
    const response = await env.ORIGIN.fetch(request);
    let connected = false;
    return new HTMLRewriter()
      .on('head', { element(head) { head.onEndTag((end) => { end.before(script, { html: true }); }); } })
      .on('head script, head style, head link[rel=stylesheet]', { element(element) {
        if (connected) return;
        connected = true;
        element.before('<link rel="preconnect" href="https://cdn.example">', { html: true });
      } })
      .on('script[src]', { element(element) {
        const waits = !element.hasAttribute('async') && !element.hasAttribute('defer');
        if (waits && rule.test(element.getAttribute('src'))) element.setAttribute('async', '');
      } })
      .on('main img', { element(element) {
        if (element.hasAttribute('width') || element.hasAttribute('height')) return;
        if (/width|height|aspect-ratio|inline-size|block-size/i.test(element.getAttribute('style') ?? '')) return;
        element.setAttribute('width', '1600');
        element.setAttribute('height', '1200');
      } })
      .transform(response);
  },
};
`;

const capnp = (origin, port) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "2026-01-01",
      bindings = [(name = "ORIGIN", service = "origin")],
    )),
    (name = "origin", external = (address = "127.0.0.1:${origin}", http = ())),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`;

/** workerd's program, from npm. */
function workerd() {
  const cache = process.env.VITRINE_CACHE || path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'vitrine');
  const folder = path.join(cache, 'workerd');
  const found = () => {
    const scope = path.join(folder, 'node_modules/@cloudflare');
    const [name] = fs.existsSync(scope) ? fs.readdirSync(scope).filter((name) => name.startsWith('workerd-')) : [];
    return name && path.join(scope, name, 'bin/workerd');
  };
  if (!found()) {
    fs.mkdirSync(folder, { recursive: true });
    const install = ['install', '--no-audit', '--no-fund', '--no-save', '--ignore-scripts', '--prefix', folder, `workerd@${WORKERD}`];
    const { status } = spawnSync('npm', install, { stdio: ['ignore', 'ignore', 'inherit'] });
    if (status !== 0) throw new Error('npm install workerd failed');
  }
  return found();
}

const middle = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const rounded = (number) => Math.round(number * 10) / 10;

async function main() {
  const files = fs.readdirSync(options.pages).filter((name) => name.endsWith('.html')).sort();
  const pages = new Map(files.map((name) => [`/${path.parse(name).name}`, fs.readFileSync(path.join(options.pages, name))]));
  if (pages.size === 0) throw new Error(`no pages in ${options.pages}: \`cargo xtask bench\` saves them`);
  const origin = http.createServer((request, response) => {
    const body = pages.get(request.url) ?? Buffer.from('<!doctype html><html><head></head><body></body></html>');
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': body.length });
    response.end(body);
  });
  await new Promise((done) => origin.listen(ports.origin, '127.0.0.1', done));

  fs.writeFileSync(path.join(work, 'vitrine.toml'), merchant(`http://127.0.0.1:${ports.origin}`));
  fs.writeFileSync(path.join(work, 'worker.js'), worker);
  fs.writeFileSync(path.join(work, 'config.capnp'), capnp(ports.origin, ports.workerd));
  const up = ['up', '--quiet', '--manifest', path.resolve(options.manifest), '--config', path.join(work, 'vitrine.toml'),
    '--state-dir', path.join(work, 'state'), '--listen', `127.0.0.1:${ports.vitrine}`];
  const peers = [
    { name: 'vitrine', port: ports.vitrine, child: await start(path.resolve(options.vitrine), up, ports.vitrine) },
    { name: 'workerd', port: ports.workerd, child: await start(workerd(), ['serve', 'config.capnp'], ports.workerd, work) },
  ];

  const report = {};
  for (const [where, body] of pages) {
    const seen = {};
    const runs = new Map(peers.map(({ name }) => [name, []]));
    for (let round = 0; round <= +options.rounds; round += 1) {
      for (const peer of peers) {
        // The first round warms up, and does not count.
        const run = await load(peer, where, round === 0 ? Math.ceil(+options.requests / 5) : +options.requests);
        if (round > 0) runs.get(peer.name).push(run);
        seen[peer.name] = edits((await get(peer.port, where, new http.Agent())).body.toString());
      }
    }
    const of = (name, key) => rounded(middle(runs.get(name).map((run) => run[key])));
    report[where.slice(1)] = {
      bytes: body.length,
      edits: seen,
      pages_per_second_and_core: { vitrine: of('vitrine', 'per_core'), workerd: of('workerd', 'per_core') },
      pages_per_second: { vitrine: of('vitrine', 'per_second'), workerd: of('workerd', 'per_second') },
      ratio_per_core: Math.round((of('vitrine', 'per_core') / of('workerd', 'per_core')) * 100) / 100,
    };
    process.stderr.write(`${where} ${JSON.stringify(report[where.slice(1)])}\n`);
  }
  process.stdout.write(`${JSON.stringify({ workerd: WORKERD, requests: +options.requests, rounds: +options.rounds, pages: report }, null, 2)}\n`);
  origin.close();
  origin.closeAllConnections();
}

try {
  await main();
} finally {
  for (const child of children) child.kill();
  fs.rmSync(work, { recursive: true, force: true });
}
