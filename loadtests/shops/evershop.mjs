// EverShop, a real server-rendered shop, to put Vitrine in front of.
//
//   node loadtests/shops/evershop.mjs setup | start | stop | status
//
// Everything comes from npm and the distribution, listens on 127.0.0.1 and lives outside the repository
// (VITRINE_SHOPS, or the user's cache directory). EverShop is GPL-3.0: it runs beside Vitrine as a test
// service, and nothing of it is copied here.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { answers, base, here, pins, ports, publicUrl, run, say, serverPid, startServer, steer, stopServer, untilAnswers } from './base.mjs';
import { furnish } from './evershop-furnish.mjs';
import * as photographs from './photographs.mjs';
import * as postgres from './postgres.mjs';

const dir = path.join(base, 'evershop');
const marker = path.join(dir, 'ready.json');
// Written after the long part (install and build), so that a set-up that failed later resumes there.
const built = path.join(dir, 'built.json');
const program = path.join(dir, 'node_modules/@evershop/evershop/dist/bin/evershop.js');
const url = `http://127.0.0.1:${ports.evershop}`;
const log = path.join(base, 'setup.log');
// Without this, a missing `config` package directory is reported on every start.
const env = { SUPPRESS_NO_CONFIG_WARNING: '1' };

const pinned = (file) => {
  try {
    return JSON.stringify(JSON.parse(fs.readFileSync(file, 'utf8')).pins) === JSON.stringify(pins);
  } catch {
    return false;
  }
};
const isReady = () => pinned(marker);

const evershop = (...args) => run('node', [program, ...args], { cwd: dir, env, log });

function install() {
  say(`installing EverShop ${pins.evershop} from npm (about 460 MB)`);
  fs.mkdirSync(dir, { recursive: true });
  fs.writeFileSync(path.join(dir, 'package.json'), JSON.stringify({ name: 'evershop-for-vitrine', private: true }));
  // Not `npm ci`: npm 11 leaves optional platform packages out of the lock and then misses them.
  run(
    'npm',
    ['install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', '--save-exact',
      `@evershop/evershop@${pins.evershop}`, `concat-stream@${pins['concat-stream']}`],
    { cwd: dir, log },
  );
}

function configure() {
  const secret = () => randomBytes(24).toString('hex');
  const settings = {
    DB_HOST: '127.0.0.1',
    DB_PORT: ports.postgres,
    DB_NAME: 'evershop',
    DB_USER: 'postgres',
    DB_PASSWORD: 'postgres',
    DB_SSLMODE: 'disable',
    PORT: ports.evershop,
    // EverShop limits 300 pages a minute for each client address: it has to believe X-Forwarded-For.
    TRUST_PROXY_HOPS: 1,
    // Without these the token endpoint answers 400.
    JWT_ADMIN_SECRET: secret(),
    JWT_ADMIN_REFRESH_SECRET: secret(),
    JWT_CUSTOMER_SECRET: secret(),
    JWT_CUSTOMER_REFRESH_SECRET: secret(),
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`);
  fs.writeFileSync(path.join(dir, '.env'), lines.join(''), { mode: 0o600 });
  for (const name of ['media', 'public', 'config']) fs.mkdirSync(path.join(dir, name), { recursive: true });
}

async function setup() {
  if (isReady()) return say(`EverShop ${pins.evershop} is set up in ${dir}`);
  // A set-up may share the machine with a build.
  os.setPriority(10);
  const started = Date.now();
  fs.mkdirSync(base, { recursive: true });
  await stopServer('evershop', 'evershop.js');
  postgres.setup();
  postgres.start();
  photographs.fetchPackage();
  if (!pinned(built)) {
    install();
    configure();
    say('building EverShop (1 to 2 minutes, up to 2.2 GB of memory)');
    evershop('build');
    fs.writeFileSync(built, JSON.stringify({ pins }));
  }
  // A set-up that was interrupted may have left half a catalogue.
  postgres.dropDatabase('evershop');
  postgres.createDatabase('evershop');
  say('migrating and seeding');
  await start();
  const admin = { email: 'admin@example.com', password: `A1${randomBytes(12).toString('hex')}` };
  await photographs.seed(dir, program, { ...process.env, ...env });
  evershop('user:create', '--email', admin.email, '--password', admin.password, '--name', 'Admin');
  await furnish(url, admin, dir);
  await stopServer('evershop', 'evershop.js');
  fs.writeFileSync(marker, JSON.stringify({ pins, admin }, null, 1), { mode: 0o600 });
  say(`EverShop ${pins.evershop} is set up in ${dir} (${Math.round((Date.now() - started) / 1000)} s)`);
}

async function start() {
  postgres.start();
  if (serverPid('evershop', 'evershop.js') !== null && (await answers(`${url}/`))) {
    return say(`EverShop answers on ${url}`);
  }
  if (await answers(`${url}/`)) throw new Error(`something else answers on ${url}`);
  const NODE_OPTIONS = `--require ${path.join(here, 'loopback.cjs')}`;
  startServer('evershop', 'node', [program, 'start'], { cwd: dir, env: { ...env, NODE_OPTIONS, EVERSHOP_HOME_URL: publicUrl } });
  const seconds = await untilAnswers(`${url}/`, 180);
  return say(`EverShop answers on ${url} (after ${seconds.toFixed(1)} s)`);
}

async function stop() {
  if (await stopServer('evershop', 'evershop.js')) say('EverShop stopped');
  postgres.stop();
}

async function status() {
  say(`set up: ${isReady() ? dir : 'no'}`);
  say(`PostgreSQL: ${postgres.isRunning() ? `127.0.0.1:${ports.postgres}` : 'not running'}`);
  const up = await answers(`${url}/`);
  say(`EverShop: ${up ? url : 'not running'}`);
  process.exitCode = up ? 0 : 3;
}

const verbs = {
  setup,
  async start() {
    if (!isReady()) throw new Error('EverShop is not set up: node loadtests/shops/evershop.mjs setup');
    await start();
  },
  stop,
  status,
};
await steer('evershop.mjs', verbs, log);
