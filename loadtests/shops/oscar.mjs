// Oscar, a shop framework on Django with pages of another make than EverShop's, to put Vitrine in front of.
//
//   node loadtests/shops/oscar.mjs setup | start | stop | status
//
// Everything comes from PyPI (by the hashes in oscar/requirements.txt) and npm (the photographs), listens on
// 127.0.0.1 and lives outside the repository (VITRINE_SHOPS, or the user's cache directory).
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { answers, base, here, isRoot, pins, ports, run, say, serverPid, startServer, steer, stopServer, untilAnswers } from './base.mjs';
import * as photographs from './photographs.mjs';

const recipe = path.join(here, 'oscar');
const dir = path.join(base, 'oscar');
const marker = path.join(dir, 'ready');
const venv = path.join(dir, 'venv');
const python = path.join(venv, 'bin/python');
const url = `http://127.0.0.1:${ports.oscar}`;
const log = path.join(base, 'setup.log');
const env = { OSCAR_HOME: dir, PYTHONPATH: recipe, DJANGO_SETTINGS_MODULE: 'settings', PYTHONDONTWRITEBYTECODE: '1' };

// Whatever changes in the recipe, or in the catalogue, is set up anew.
function version() {
  const hash = createHash('sha256').update(pins['@vendure/create']);
  for (const name of fs.readdirSync(recipe).filter((file) => /\.(py|txt)$/.test(file)).sort()) hash.update(fs.readFileSync(path.join(recipe, name)));
  return hash.digest('hex');
}
const isReady = () => fs.existsSync(marker) && fs.readFileSync(marker, 'utf8') === version();

function install() {
  const create = () => run('python3', ['-m', 'venv', venv], { log, allowFailure: true }).status === 0;
  if (!create()) {
    if (!isRoot) throw new Error('Python has no venv: sudo apt-get install --no-install-recommends python3-venv');
    run('apt-get', ['install', '-y', '--no-install-recommends', 'python3-venv'], { env: { DEBIAN_FRONTEND: 'noninteractive' }, log });
    if (!create()) throw new Error('python3 -m venv failed');
  }
  say('installing Oscar from PyPI (about 260 MB)');
  run(python, ['-m', 'pip', 'install', '--quiet', '--no-compile', '--disable-pip-version-check', '--require-hashes', '-r', path.join(recipe, 'requirements.txt')], { log });
}

async function setup() {
  if (isReady()) return say(`Oscar is set up in ${dir}`);
  const started = Date.now();
  await stop();
  fs.rmSync(dir, { recursive: true, force: true });
  fs.mkdirSync(dir, { recursive: true });
  photographs.fetchPackage();
  install();
  say('making its tables, its catalogue and its index');
  run(python, ['-m', 'django', 'migrate', '--run-syncdb', '--verbosity', '0'], { cwd: dir, env, log });
  run(python, [path.join(recipe, 'furnish.py'), photographs.assets], { cwd: dir, env, log });
  run(python, ['-m', 'django', 'rebuild_index', '--noinput', '--verbosity', '0'], { cwd: dir, env, log });
  fs.writeFileSync(marker, version());
  return say(`Oscar is set up in ${dir} (${Math.round((Date.now() - started) / 1000)} s)`);
}

async function start() {
  if (!isReady()) throw new Error('Oscar is not set up: node loadtests/shops/oscar.mjs setup');
  if (await answers(`${url}/`)) {
    if (serverPid('oscar', 'gunicorn') === null) throw new Error(`something else answers on ${url}`);
    return say(`Oscar answers on ${url}`);
  }
  startServer('oscar', python, ['-m', 'gunicorn', '--bind', `127.0.0.1:${ports.oscar}`, '--workers', '2', '--threads', '4', 'wsgi:application'], { cwd: dir, env });
  const seconds = await untilAnswers(`${url}/`, 60);
  return say(`Oscar answers on ${url} (after ${seconds.toFixed(1)} s)`);
}

async function stop() {
  if (await stopServer('oscar', 'gunicorn')) say('Oscar stopped');
}

async function status() {
  say(`set up: ${isReady() ? dir : 'no'}`);
  const up = await answers(`${url}/`);
  say(`Oscar: ${up ? url : 'not running'}`);
  process.exitCode = up ? 0 : 3;
}

await steer('oscar.mjs', { setup, start, stop, status }, log);
