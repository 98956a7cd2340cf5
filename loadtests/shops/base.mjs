// Where the shops live, what they are made of, and the small verbs that the set-up scripts share.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = path.dirname(fileURLToPath(import.meta.url));

// PostgreSQL refuses to run as root, and its own user cannot enter root's home: root keeps shops in /var/cache.
export const isRoot = process.getuid?.() === 0;
export const base = path.resolve(
  process.env.VITRINE_SHOPS ||
    (isRoot
      ? '/var/cache/vitrine/shops'
      : path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'vitrine', 'shops')),
);

// EverShop 2.2.1 imports concat-stream without declaring it. The photographs are the product shots of
// @vendure/create: real pictures at storefront size, fetched at set-up and never part of this repository.
export const pins = Object.freeze({
  evershop: '2.2.1',
  'concat-stream': '2.0.0',
  '@vendure/create': '3.7.3',
});
export const ports = Object.freeze({ postgres: 55432, evershop: 3100, photographs: 3199, oscar: 3300 });

// The address that the shop believes it has: its pages call their API by it, absolutely. A browser is told to
// find it at the shop or at Vitrine (Chromium: --host-resolver-rules).
export const publicUrl = process.env.VITRINE_SHOP_URL || 'http://shop.localhost';

export const say = (text) => process.stderr.write(`shops: ${text}\n`);

/** Runs a command to its end; its output goes to `log`, and its end is shown when it fails. */
export function run(command, args, { cwd, env, log, input, allowFailure = false } = {}) {
  const result = spawnSync(command, args, {
    cwd,
    input,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    env: { ...process.env, ...env },
  });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`;
  if (log) fs.appendFileSync(log, `$ ${command} ${args.join(' ')}\n${output}`);
  if (result.error) throw new Error(`${command}: ${result.error.message}`);
  if (result.status !== 0 && !allowFailure) {
    throw new Error(`${command} ${args.join(' ')} failed (${result.status}):\n${output.slice(-2000)}`);
  }
  return { status: result.status, stdout: result.stdout ?? '' };
}

/** Starts a server in a process group of its own and remembers its leader. */
export function startServer(name, command, args, { cwd, env }) {
  const dir = path.join(base, name);
  const log = fs.openSync(path.join(dir, 'server.log'), 'a');
  const child = spawn(command, args, {
    cwd,
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...env },
  });
  fs.closeSync(log);
  fs.writeFileSync(path.join(dir, 'server.pid'), `${child.pid}\n`);
  child.unref();
  return child.pid;
}

/** The process group that `startServer` began, if it is still the same program. */
export function serverPid(name, word) {
  try {
    const pid = Number(fs.readFileSync(path.join(base, name, 'server.pid'), 'utf8'));
    return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word) ? pid : null;
  } catch {
    return null;
  }
}

export async function stopServer(name, word) {
  const pid = serverPid(name, word);
  if (pid === null) return false;
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    try {
      process.kill(-pid, signal);
    } catch {
      break;
    }
    for (let i = 0; i < 50 && serverPid(name, word) !== null; i += 1) await sleep(100);
    if (serverPid(name, word) === null) break;
  }
  fs.rmSync(path.join(base, name, 'server.pid'), { force: true });
  return true;
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Whether a page answers 200. */
export async function answers(url) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false;
  }
}

export async function untilAnswers(url, seconds) {
  const start = Date.now();
  while (Date.now() - start < seconds * 1000) {
    if (await answers(url)) return (Date.now() - start) / 1000;
    await sleep(500);
  }
  throw new Error(`${url} did not answer within ${seconds} s`);
}

/** Does what the command line names; `log` is where to look when it fails. */
export async function steer(script, verbs, log) {
  const verb = verbs[process.argv[2]];
  if (!verb) {
    process.stderr.write(`usage: node loadtests/shops/${script} ${Object.keys(verbs).join('|')}\n`);
    process.exit(2);
  }
  try {
    await verb();
  } catch (error) {
    say(`failed: ${error.message}`);
    say(`log: ${log}`);
    process.exitCode = 1;
  }
}
