// Bundles the beacon into dist/beacon.js, with its brotli and gzip forms beside it. The crate's `build.rs` puts
// them, if they are there, into the library.
import {readFileSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {brotliCompressSync, constants, gzipSync} from 'node:zlib';
import {build} from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const bundle = join(here, 'dist', 'beacon.js');

await build({
  entryPoints: [join(here, 'src', 'beacon.js')],
  outfile: bundle,
  bundle: true,
  minify: true,
  format: 'iife',
  // The oldest browsers that know most of the metrics; in an older one the script does not parse, and does no harm.
  target: ['chrome94', 'firefox104', 'safari15.4'],
  legalComments: 'none',
  // web-vitals marks its private properties with a leading underscore; nobody else reads them here.
  mangleProps: /^_[a-z]/,
  charset: 'ascii',
});

const body = readFileSync(bundle);
const brotli = brotliCompressSync(body, {params: {[constants.BROTLI_PARAM_QUALITY]: 11}});
const gzip = gzipSync(body, {level: 9});
writeFileSync(`${bundle}.br`, brotli);
writeFileSync(`${bundle}.gz`, gzip);
console.log(`beacon: ${body.length} B, brotli ${brotli.length} B, gzip ${gzip.length} B`);
