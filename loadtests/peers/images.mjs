// What a picture costs: the same encodes natively and in wasm, in turns, CPU seconds of the process.
//
//   cargo build -p vitrine-optimizer --profile wasm --example encode_once
//   cargo build -p vitrine-optimizer --profile wasm --example encode_once --target wasm32-wasip2
//   node loadtests/peers/images.mjs --native target/wasm/examples/encode_once \
//     --wasm target/wasm32-wasip2/wasm/examples/encode_once.wasm --wasmtime wasmtime [--photos 6] [--rounds 3]
//
// Each process encodes one photograph ROUNDS times and once more; what one encode costs is the difference, so that the
// start of the process and the loading of the code cancel out.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fetchPackage, images } from '../shops/photographs.mjs';

const { values } = parseArgs({
  options: {
    native: { type: 'string' },
    wasm: { type: 'string' },
    wasmtime: { type: 'string', default: 'wasmtime' },
    photos: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '3' },
  },
});
const rounds = Number(values.rounds);
const jobs = [
  ['avif', '75', 'first', '640'],
  ['avif', '75', 'refined', '640'],
  ['avif', '75', 'first', '0'],
  ['webp', '75', 'first', '640'],
  ['same', '75', 'first', '640'],
];

fetchPackage();
const every = fs.readdirSync(images).filter((name) => name.endsWith('.jpg')).sort();
const step = Math.max(1, Math.floor(every.length / Number(values.photos)));
const photos = every.filter((_, at) => at % step === 0).slice(0, Number(values.photos));
const compiled = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'vitrine-images-')), 'encode_once.cwasm');
execFileSync(values.wasmtime, ['compile', values.wasm, '-o', compiled]);
const programs = {
  native: [path.resolve(values.native)],
  wasm: [values.wasmtime, 'run', '--allow-precompiled', compiled],
};

const totals = new Map();
for (const job of jobs) {
  for (const photo of photos) {
    const files = {};
    for (const [where, program] of Object.entries(programs)) {
      const many = run(program, job, photo, rounds + 1);
      const one = run(program, job, photo, 1);
      files[where] = one.file;
      const total = totals.get(`${job.join(' ')} ${where}`) ?? { cpu: 0, bytes: 0, source: 0 };
      total.cpu += (many.cpu - one.cpu) / rounds;
      total.bytes += one.file.length;
      total.source += fs.statSync(path.join(images, photo)).size;
      totals.set(`${job.join(' ')} ${where}`, total);
    }
    if (!files.native.equals(files.wasm)) throw new Error(`${photo} ${job}: other bytes in wasm`);
  }
}

console.log(`| ${photos.length} photographs: target, quality, effort, width | source, bytes | result, bytes | native, CPU ms | wasm, CPU ms | ratio |`);
console.log('|---|---|---|---|---|---|');
for (const job of jobs) {
  const [native, wasm] = ['native', 'wasm'].map((where) => totals.get(`${job.join(' ')} ${where}`));
  const each = (cpu) => ((cpu * 1000) / photos.length).toFixed(1);
  const mean = (bytes) => Math.round(bytes / photos.length);
  console.log(
    `| ${job.join(' ')} | ${mean(native.source)} | ${mean(native.bytes)} | ${each(native.cpu)} | ${each(wasm.cpu)} | ${(wasm.cpu / native.cpu).toFixed(2)} |`,
  );
}
fs.rmSync(path.dirname(compiled), { recursive: true });

function run([program, ...words], [target, quality, effort, width], photo, times) {
  const line = [program, ...words, target, quality, effort, width, String(times)];
  const quoted = line.map((word) => `'${word}'`).join(' ');
  const script = `TIMEFORMAT='cpu %U %S'; time ${quoted}`;
  const input = fs.readFileSync(path.join(images, photo));
  const done = spawnSync('bash', ['-c', script], { input, maxBuffer: 1 << 26 });
  const [, user, system] = /cpu ([\d.]+) ([\d.]+)/.exec(done.stderr.toString()) ?? [];
  if (user === undefined) throw new Error(done.stderr.toString());
  return { cpu: Number(user) + Number(system), file: done.stdout };
}
