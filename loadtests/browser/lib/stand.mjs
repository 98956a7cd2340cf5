// A shop of a few pages that a test writes itself, and Vitrine in front of it.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';

// `shop(path, request)` answers with { status, headers, body or stream, until } or null; the answer waits for the promise `until`.
// `policy` is the edge's, as JSON would be, or makes it from the shop's address. With a `token`, the edge answers
// operators who have it. `settings` are more of the origin adapter's. `state` is a folder that outlives this.
export async function stand({ vitrine, manifest, port, shop, policy, token = '', settings = {}, state }) {
  const asked = [];
  const server = http.createServer(async (request, response) => {
    // Browsers ask once in a while, and a 404 would be an error in the console.
    if (request.url === '/favicon.ico') return response.writeHead(204).end();
    asked.push(request.url);
    const page = shop(new URL(request.url, 'http://x').pathname, request);
    if (!page) return response.writeHead(404).end();
    await page.until;
    response.writeHead(page.status ?? 200, { 'content-type': 'text/html; charset=utf-8', ...page.headers });
    return page.stream ? page.stream.pipe(response) : response.end(page.body);
  });
  await new Promise((done) => server.listen(port, '127.0.0.1', done));
  const origin = `http://127.0.0.1:${port}`;
  const wanted = typeof policy === 'function' ? await policy(origin) : policy;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vitrine-stand-'));
  const log = path.join(folder, 'vitrine.log');
  const output = fs.openSync(log, 'w');
  const everything = { rum: { enabled: false }, holdback: { percent: 0 }, ...wanted };
  everything.passes = { payment_guard: { first_view: 'trust' }, ...wanted.passes };
  const child = spawn(
    vitrine,
    ['up', '--manifest', manifest, '--origin', origin, '--listen', `127.0.0.1:${port + 1}`, '--state-dir', state ?? path.join(folder, 'state'), '--set', `policy=${JSON.stringify(everything)}`, '--set', `operator_token=${token}`, '--set', `origin_settings=${JSON.stringify({ url: origin, ...settings })}`],
    { cwd: folder, stdio: ['ignore', output, output] },
  );
  const close = async () => {
    const ended = child.exitCode === null && new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    await ended;
    server.closeAllConnections();
    await new Promise((done) => server.close(done));
    fs.rmSync(folder, { recursive: true, force: true });
  };
  const through = `http://127.0.0.1:${port + 1}`;
  // Five minutes: its components are compiled first.
  for (let i = 0; ; i += 1) {
    const up = await fetch(`${through}/_v/adapter/health`).catch(() => null);
    if (up?.ok) break;
    if (child.exitCode !== null || i > 1500) {
      const why = fs.readFileSync(log, 'utf8');
      await close();
      throw new Error(`Vitrine did not start: ${why}`);
    }
    await new Promise((done) => setTimeout(done, 200));
  }
  asked.length = 0;
  return { origin, through, asked, pid: child.pid, close };
}
