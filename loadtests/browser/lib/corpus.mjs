// Real pages that nobody wrote for Vitrine: themes, documentation and demos that npm packages ship. They are fetched
// by npm in the versions of corpus.json, held to its hashes, and kept outside the repository.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

const list = new URL('../corpus.json', import.meta.url);

// Most pages of one package in a browser: 40 pages of a theme say little more than 20.
const PAGES_PER_PACKAGE = 22;

function run(command, args, cwd) {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${result.error ?? result.stderr}`);
  return result.stdout;
}

// Brings every package into the folder, unless it is there.
export function fetchAll(folder) {
  fs.mkdirSync(folder, { recursive: true });
  for (const { name, version, integrity } of JSON.parse(fs.readFileSync(list, 'utf8')).packages) {
    const home = path.join(folder, `${name}-${version}`);
    if (fs.existsSync(home)) continue;
    const [packed] = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', `${name}@${version}`], folder));
    const archive = path.join(folder, packed.filename);
    const seen = `sha512-${createHash('sha512').update(fs.readFileSync(archive)).digest('base64')}`;
    if (seen !== integrity) throw new Error(`${name}@${version}: ${seen} is not what corpus.json names`);
    const unpacked = `${home}.part`;
    fs.rmSync(unpacked, { recursive: true, force: true });
    fs.mkdirSync(unpacked);
    run('tar', ['-xzf', archive, '-C', unpacked, '--strip-components=1']);
    fs.renameSync(unpacked, home);
    fs.rmSync(archive);
  }
}

// Paths of whole pages, each package's in order.
export function pages(folder) {
  const found = [];
  for (const name of fs.readdirSync(folder).sort()) {
    const all = fs.readdirSync(path.join(folder, name), { recursive: true }).map(String).sort();
    const own = all
      .filter((file) => file.endsWith('.html'))
      .map((file) => `${name}/${file}`)
      .filter((file) => /<html/i.test(fs.readFileSync(path.join(folder, file), 'utf8')));
    found.push(own);
  }
  return found;
}

// At most so many of each package, evenly spread.
export function sample(perPackage) {
  const pick = (own) => own.filter((_, at) => Math.floor((at * PAGES_PER_PACKAGE) / own.length) !== Math.floor(((at - 1) * PAGES_PER_PACKAGE) / own.length));
  return perPackage.flatMap((own) => (own.length <= PAGES_PER_PACKAGE ? own : pick(own)));
}

const TYPES = {
  html: 'text/html; charset=utf-8', css: 'text/css', js: 'text/javascript', mjs: 'text/javascript', json: 'application/json',
  svg: 'image/svg+xml', png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp',
  ico: 'image/x-icon', woff: 'font/woff', woff2: 'font/woff2', ttf: 'font/ttf', map: 'application/json', mp4: 'video/mp4',
};

// A plain origin over the folder.
export function serve(folder, port) {
  const server = http.createServer((request, response) => {
    const file = path.join(folder, path.normalize(decodeURIComponent(new URL(request.url, 'http://x').pathname)));
    if (!file.startsWith(folder) || !fs.existsSync(file) || !fs.statSync(file).isFile()) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('not here');
      return;
    }
    const suffix = file.split('.').at(-1);
    // Pages of one package share much.
    const kept = suffix === 'html' ? {} : { 'cache-control': 'public, max-age=600' };
    response.writeHead(200, { 'content-type': TYPES[suffix] ?? 'application/octet-stream', ...kept });
    fs.createReadStream(file).pipe(response);
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)));
}
