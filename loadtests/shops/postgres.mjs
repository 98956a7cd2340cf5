// One PostgreSQL server for the shops, on 127.0.0.1 only, with its data below the shops' directory.
import fs from 'node:fs';
import path from 'node:path';
import { base, isRoot, ports, run, say } from './base.mjs';

const dir = path.join(base, 'postgres');
const data = path.join(dir, 'data');
const log = () => path.join(base, 'setup.log');

function bin() {
  const root = '/usr/lib/postgresql';
  const versions = fs.existsSync(root)
    ? fs.readdirSync(root).filter((v) => fs.existsSync(path.join(root, v, 'bin', 'initdb')))
    : [];
  versions.sort((a, b) => Number(b) - Number(a));
  return versions.length > 0 ? path.join(root, versions[0], 'bin') : null;
}

function requireBin() {
  const found = bin();
  if (found) return found;
  if (!isRoot) throw new Error('PostgreSQL is missing: sudo apt-get install --no-install-recommends postgresql');
  say('installing PostgreSQL from the distribution');
  run('apt-get', ['install', '-y', '--no-install-recommends', 'postgresql'], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
    log: log(),
  });
  return bin() ?? (() => { throw new Error('PostgreSQL was installed but initdb is nowhere in /usr/lib/postgresql'); })();
}

/** A server program, as the user that PostgreSQL insists on. */
const asServer = (program, args, options = {}) =>
  isRoot
    ? run('runuser', ['-u', 'postgres', '--', path.join(requireBin(), program), ...args], { cwd: '/', ...options })
    : run(path.join(requireBin(), program), args, options);

export const isRunning = () =>
  fs.existsSync(data) && asServer('pg_ctl', ['-D', data, 'status'], { allowFailure: true }).status === 0;

export function setup() {
  requireBin();
  if (fs.existsSync(path.join(data, 'PG_VERSION'))) return;
  say(`creating a database cluster in ${data}`);
  fs.mkdirSync(dir, { recursive: true });
  if (isRoot) run('chown', ['postgres', dir]);
  // Trust is safe here: loopback only, and everything in it is made up. So is giving up durability for speed.
  asServer('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8'], { log: log() });
  fs.appendFileSync(
    path.join(data, 'postgresql.conf'),
    [
      "listen_addresses = '127.0.0.1'",
      `port = ${ports.postgres}`,
      `unix_socket_directories = '${dir}'`,
      'fsync = off',
      'synchronous_commit = off',
      'full_page_writes = off',
      '',
    ].join('\n'),
  );
}

export function start() {
  if (isRunning()) return;
  asServer('pg_ctl', ['-D', data, '-w', '-l', path.join(dir, 'server.log'), 'start'], { log: log() });
  say(`PostgreSQL listens on 127.0.0.1:${ports.postgres}`);
}

export function stop() {
  if (!isRunning()) return;
  asServer('pg_ctl', ['-D', data, '-m', 'fast', 'stop'], { log: log() });
  say('PostgreSQL stopped');
}

const psql = (args) =>
  run(path.join(requireBin(), 'psql'), ['-h', '127.0.0.1', '-p', String(ports.postgres), '-U', 'postgres', '-qAt', ...args], {
    log: log(),
  }).stdout.trim();

export function createDatabase(name) {
  if (psql(['-c', `select 1 from pg_database where datname = '${name}'`]) !== '1') psql(['-c', `create database ${name}`]);
}

export function dropDatabase(name) {
  psql(['-c', `drop database if exists ${name} with (force)`]);
}
