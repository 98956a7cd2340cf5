// Product photographs for EverShop's seed catalogue, whose own pictures are downloaded from a code host.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { base, pins, ports, run, say } from './base.mjs';

const dir = path.join(base, 'photographs');
export const assets = path.join(dir, 'package/assets');
export const images = path.join(assets, 'images');

export function fetchPackage() {
  if (fs.existsSync(images)) return;
  const version = pins['@vendure/create'];
  say(`fetching photographs (@vendure/create ${version})`);
  fs.mkdirSync(dir, { recursive: true });
  run('npm', ['pack', `@vendure/create@${version}`], { cwd: dir, log: path.join(base, 'setup.log') });
  run('tar', ['xzf', `vendure-create-${version}.tgz`], { cwd: dir });
}

/** Runs EverShop's seed while the photographs that its catalogue then names are served on loopback. */
export async function seed(evershop, program, env) {
  const data = path.join(path.dirname(program), 'seed/data/products.json');
  const original = path.join(evershop, 'products.original.json');
  if (!fs.existsSync(original)) fs.copyFileSync(data, original);
  const files = fs.readdirSync(images).filter((name) => name.endsWith('.jpg')).sort();
  const products = JSON.parse(fs.readFileSync(original, 'utf8'));
  products.forEach((product, at) => {
    product.images = [0, 1, 2].map((n) => ({
      url: `http://127.0.0.1:${ports.photographs}/${files[(at * 3 + n) % files.length]}`,
      isMain: n === 0,
    }));
  });
  fs.writeFileSync(data, JSON.stringify(products, null, 1));

  const server = http.createServer((request, response) => {
    fs.createReadStream(path.join(images, path.basename(request.url)))
      .on('error', () => response.writeHead(404).end())
      .pipe(response);
  });
  await new Promise((resolve) => server.listen(ports.photographs, '127.0.0.1', resolve));
  try {
    const log = fs.openSync(path.join(base, 'setup.log'), 'a');
    const child = spawn('node', [program, 'seed', '--all'], { cwd: evershop, env, stdio: ['ignore', log, log] });
    const code = await new Promise((resolve) => child.on('exit', resolve));
    fs.closeSync(log);
    if (code !== 0) throw new Error(`EverShop's seed ended with ${code}`);
  } finally {
    server.close();
  }
}

// Called on its own, it fetches them and says where they are.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  fetchPackage();
  console.log(images);
}
