// Bytes at the same quality, and what an encode costs, beside the encoders that shops use today: sharp (libvips, libaom,
// libwebp, mozjpeg), Debian's avifenc and cwebp, and @jsquash/avif in wasm. Every photograph goes through all of them before
// the next one does; CPU time is of the process, on one thread.
//
//   apt-get install libavif-bin webp
//   cargo build -p vitrine-optimizer --profile wasm --example encode_once --example score
//   cargo build -p vitrine-optimizer --profile wasm --example encode_once --target wasm32-wasip2
//   node loadtests/peers/codecs.mjs --native target/wasm/examples --wasm target/wasm32-wasip2/wasm/examples/encode_once.wasm \
//     --wasmtime wasmtime --peers FOLDER [--photos 12] [--rounds 3]
//
// FOLDER gets the peers from npm the first time. Quality is SSIMULACRA2 against the same 640 pixels wide picture; bytes at a
// score are read from the line through the logarithms of the two nearest encodes.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { fetchPackage, images } from '../shops/photographs.mjs';

const { values } = parseArgs({
  options: {
    native: { type: 'string' },
    wasm: { type: 'string' },
    wasmtime: { type: 'string', default: 'wasmtime' },
    peers: { type: 'string' },
    photos: { type: 'string', default: '12' },
    rounds: { type: 'string', default: '3' },
  },
});
const WIDTH = 640;
const TARGET = 70;
const rounds = Number(values.rounds);

fs.mkdirSync(values.peers, { recursive: true });
const require = createRequire(path.join(path.resolve(values.peers), 'package.json'));
if (!fs.existsSync(path.join(values.peers, 'node_modules/sharp'))) {
  execFileSync('npm', ['install', '--no-save', '--silent', '--prefix', values.peers, 'sharp@0.35.5', '@jsquash/avif@2.1.1'], { stdio: 'inherit' });
}
const sharp = require('sharp');
sharp.concurrency(1);
sharp.cache(false);
const jsquash = await import(pathToFileURL(require.resolve('@jsquash/avif/encode.js')));
const single = require.resolve('@jsquash/avif/codec/enc/avif_enc.wasm');
await jsquash.init(await WebAssembly.compile(fs.readFileSync(single)));

fetchPackage();
const every = fs.readdirSync(images).filter((name) => name.endsWith('.jpg')).sort();
const apart = Math.max(1, Math.floor(every.length / Number(values.photos)));
const photos = every.filter((_, at) => at % apart === 0).slice(0, Number(values.photos));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vitrine-codecs-'));
const compiled = path.join(folder, 'encode_once.cwasm');
execFileSync(values.wasmtime, ['compile', values.wasm, '-o', compiled]);
const png = path.join(folder, 'source.png');
const out = path.join(folder, 'result');

// Seconds of CPU that a command takes, and what it writes to standard output.
function timed(words, input) {
  const quoted = words.map((word) => `'${word}'`).join(' ');
  const done = spawnSync('bash', ['-c', `TIMEFORMAT='cpu %U %S'; time ${quoted}`], { input, maxBuffer: 1 << 26 });
  const [, user, system] = /cpu ([\d.]+) ([\d.]+)/.exec(done.stderr.toString()) ?? [];
  if (user === undefined || done.status !== 0) throw new Error(`${words.join(' ')}: ${done.stderr}`);
  return { cpu: Number(user) + Number(system), bytes: done.stdout };
}

// One of our own: so many rounds less one round, so that the start of the process cancels out.
const ours = (program) => (target, effort) => (quality, { source, width }) => {
  const words = (times) => [...program, target, String(quality), effort, String(width), String(times)];
  const [many, one] = [timed(words(rounds + 1), source), timed(words(1), source)];
  return { bytes: one.bytes, cpu: (many.cpu - one.cpu) / rounds };
};
const native = ours([path.resolve(values.native, 'encode_once')]);
const wasm = ours([values.wasmtime, 'run', '--allow-precompiled', compiled]);

async function inNode(encode) {
  await encode();
  const before = process.cpuUsage();
  let bytes;
  for (let round = 0; round < rounds; round += 1) bytes = await encode();
  const { user, system } = process.cpuUsage(before);
  return { bytes: Buffer.from(bytes), cpu: (user + system) / 1e6 / rounds };
}
const bySharp = (how) => (quality, { source, width }) =>
  inNode(() => how(width > 0 ? sharp(source).resize({ width, withoutEnlargement: true }) : sharp(source), quality).toBuffer());
const byJsquash = (speed) => (quality, { raw }) => inNode(() => jsquash.default(raw, { quality, speed, subsample: 1 }));
const byProgram = (words) => (quality) => {
  const { cpu } = timed(words(quality));
  return { bytes: fs.readFileSync(out), cpu };
};

const QUALITIES = [45, 60, 75, 88];
const encoders = {
  'mozjpeg (sharp)': [[50, 65, 75, 88], bySharp((s, quality) => s.jpeg({ mozjpeg: true, quality }))],
  'AVIF refined, native': [QUALITIES, native('avif', 'refined')],
  'AVIF first, native': [QUALITIES, native('avif', 'first')],
  'AVIF first, wasm': [QUALITIES, wasm('avif', 'first')],
  'WebP, native': [QUALITIES, native('webp', 'first')],
  'AVIF, sharp effort 4 (default)': [[35, 45, 50, 60], bySharp((s, quality) => s.avif({ quality }))],
  'AVIF, sharp effort 0': [[40, 50, 57, 70], bySharp((s, quality) => s.avif({ quality, effort: 0 }))],
  'WebP, sharp': [[50, 65, 75, 88], bySharp((s, quality) => s.webp({ quality }))],
  'AVIF, avifenc speed 6': [[44, 36, 28, 20], byProgram((cq) => ['avifenc', '-j', '1', '-s', '6', '--min', '0', '--max', '63', '-a', 'end-usage=q', '-a', `cq-level=${cq}`, png, out])],
  'WebP, cwebp': [[50, 65, 75, 88], byProgram((quality) => ['cwebp', '-quiet', '-q', String(quality), png, '-o', out])],
  'AVIF, jSquash speed 9': [[45, 55, 65, 75], byJsquash(9)],
  'AVIF, jSquash speed 8': [[45, 55, 65, 75], byJsquash(8)],
};

async function scores({ raw }, files) {
  const opened = (file) => sharp(file).flatten({ background: '#fff' }).removeAlpha().toColourspace('srgb').raw().toBuffer();
  const pictures = await Promise.all(files.map(opened));
  const first = Buffer.from(raw.data.filter((_, at) => at % 4 < 3));
  const done = spawnSync(path.resolve(values.native, 'score'), [String(raw.width), String(raw.height)], { input: Buffer.concat([first, ...pictures]), maxBuffer: 1 << 26 });
  if (done.status !== 0) throw new Error(done.stderr.toString());
  return done.stdout.toString().trim().split('\n').map(Number);
}

// At the target, by the two encodes around it, or by the nearest two.
function at(points, what) {
  const sorted = [...points].sort((a, b) => a.score - b.score);
  const above = Math.min(Math.max(sorted.findIndex(({ score }) => score >= TARGET), 1), sorted.length - 1);
  const [low, high] = [sorted[above - 1], sorted[above < 1 ? 1 : above]];
  const share = high.score === low.score ? 0 : (TARGET - low.score) / (high.score - low.score);
  return Math.exp(Math.log(low[what]) + share * (Math.log(high[what]) - Math.log(low[what])));
}

const whole = {
  'ours first, native': native('avif', 'first'),
  'ours first, wasm': wasm('avif', 'first'),
  'sharp AVIF, default': bySharp((s) => s.avif()),
  'sharp AVIF, effort 0': bySharp((s) => s.avif({ effort: 0, quality: 57 })),
  'ours WebP, wasm': wasm('webp', 'first'),
  'sharp WebP': bySharp((s) => s.webp({ quality: 75 })),
};
const [found, requests] = [{}, {}];
for (const photo of photos) {
  const jpeg = fs.readFileSync(path.join(images, photo));
  for (const [name, encode] of Object.entries(whole)) {
    const { cpu, bytes } = await encode(75, { source: jpeg, width: WIDTH });
    (requests[name] ??= []).push({ cpu, bytes: bytes.length });
  }
  const resized = sharp(jpeg).resize({ width: WIDTH });
  fs.writeFileSync(png, await resized.clone().png().toBuffer());
  const { data, info } = await resized.ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const picture = { source: fs.readFileSync(png), width: 0, raw: { data: new Uint8ClampedArray(data), width: info.width, height: info.height } };
  for (const [name, [qualities, encode]] of Object.entries(encoders)) {
    const points = [];
    for (const quality of qualities) points.push(await encode(quality, picture));
    const seen = await scores(picture, points.map(({ bytes }) => bytes));
    const measured = points.map(({ bytes, cpu }, n) => ({ bytes: bytes.length, cpu: Math.max(cpu, 1e-4), score: seen[n] }));
    (found[name] ??= []).push({ bytes: at(measured, 'bytes'), cpu: at(measured, 'cpu') });
  }
  console.error(photo);
}

const geometric = (numbers) => Math.exp(numbers.reduce((sum, number) => sum + Math.log(number), 0) / numbers.length);
const base = found['mozjpeg (sharp)'];
const usual = found['AVIF, sharp effort 4 (default)'];
console.log(`| ${photos.length} photographs, ${WIDTH} pixels wide, score ${TARGET} | bytes / mozjpeg | CPU, ms | CPU / sharp's default AVIF |`);
console.log('|---|---|---|---|');
for (const [name, points] of Object.entries(found)) {
  const bytes = geometric(points.map((point, n) => point.bytes / base[n].bytes));
  const ratio = geometric(points.map((point, n) => point.cpu / usual[n].cpu));
  const ms = (1000 * points.reduce((sum, { cpu }) => sum + cpu, 0)) / points.length;
  console.log(`| ${name} | ${bytes.toFixed(3)} | ${ms.toFixed(1)} | ${ratio.toFixed(3)} |`);
}
console.log(`\n| whole request: JPEG to ${WIDTH} pixels | CPU, ms | bytes |\n|---|---|---|`);
for (const [name, points] of Object.entries(requests)) {
  const mean = (what) => points.reduce((sum, point) => sum + point[what], 0) / points.length;
  console.log(`| ${name} | ${(1000 * mean('cpu')).toFixed(1)} | ${Math.round(mean('bytes'))} |`);
}
fs.rmSync(folder, { recursive: true });
