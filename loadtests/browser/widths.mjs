// Images in other forms, in a browser: which of a `srcset` it takes on screens of one and of two pixels for one, what a
// crop looks like beside the style sheet's own, what browsers say once they are asked, and what saving data saves.
//
//   node --test loadtests/browser/widths.mjs      (or with --vitrine BINARY --manifest FILE)
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test, { after, before } from 'node:test';

import { fetchPackage, images } from '../shops/photographs.mjs';
import { parse } from './lib/args.mjs';
import { eventually, launch } from './lib/browser.mjs';
import { stand } from './lib/stand.mjs';

const args = parse({ vitrine: 'target/release/vitrine', manifest: 'spin.toml', port: 4370 });
const PHOTOS = 3;
// What the photographs have, and what the page shows of them.
const [FULL, SHOWN] = [1600, 300];
// A photograph that is narrower than anything asked for.
const SMALL = { name: 'small', width: 200, height: 150 };

let shop;
let browser;

before(async () => {
  fetchPackage();
  const files = fs.readdirSync(images).filter((name) => name.endsWith('.jpg')).sort();
  browser = await launch();
  const small = await shrunk(fs.readFileSync(path.join(images, files[0])));
  const photo = (name) => (name === SMALL.name ? small : fs.readFileSync(path.join(images, files[Number(name)])));
  const answers = (name) => {
    const [, number] = /^\/photo\/(\w+)\.jpg$/.exec(name) ?? [];
    if (number) return { headers: { 'content-type': 'image/jpeg', 'cache-control': 'public, max-age=600' }, body: photo(number) };
    return { '/plain': { body: page('plain') }, '/cut': { body: page('cut') }, '/auto': { body: auto() } }[name] ?? null;
  };
  const offer = { full_width_px: FULL, sizes: `${SHOWN}px` };
  const rules = [{ selector: '.plain img', ...offer }, { selector: '.cut img', ...offer, aspect: '1x1', focus: '50-50' }];
  const policy = { images: { client_hints: true, min_bytes: 1024 }, passes: { responsive_images: { enabled: true, rules } } };
  shop = await stand({ vitrine: path.resolve(args.vitrine), manifest: path.resolve(args.manifest), port: args.port, shop: answers, policy });
});

after(async () => {
  await browser?.close();
  await shop?.close();
});

const photos = (count) => Array.from({ length: count }, (_, n) => `<img src="/photo/${n}.jpg" alt="">`).join('\n');
const page = (name) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Widths</title>
<style>img{display:inline-block;width:${SHOWN}px;height:${SHOWN}px;object-fit:cover}</style></head>
<body><main class="${name}">${photos(PHOTOS)}</main></body></html>`;
const auto = () => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Auto</title></head>
<body><img id="wide" src="/_v/i/wauto/photo/1.jpg" width="${SHOWN}" height="${SHOWN}" alt="">
<img id="narrow" src="/_v/i/wauto/photo/${SMALL.name}.jpg" width="${SHOWN}" height="${SHOWN}" alt=""></body></html>`;

// The photograph at its small size, made by the browser.
async function shrunk(bytes) {
  const tab = await browser.newPage();
  const url = await tab.evaluate(async ([base64, width, height]) => {
    const image = await createImageBitmap(await (await fetch(`data:image/jpeg;base64,${base64}`)).blob());
    const canvas = Object.assign(document.createElement('canvas'), { width, height });
    canvas.getContext('2d').drawImage(image, 0, 0, width, height);
    return canvas.toDataURL('image/jpeg', 0.95);
  }, [bytes.toString('base64'), SMALL.width, SMALL.height]);
  await tab.close();
  return Buffer.from(url.split(',')[1], 'base64');
}

// One visit: every image, what was sent for it, and how the page looks.
async function visit(base, to, deviceScaleFactor, extraHTTPHeaders = {}) {
  const context = await browser.newContext({ viewport: { width: 1300, height: 500 }, deviceScaleFactor, extraHTTPHeaders });
  const tab = await context.newPage();
  const [answers, said] = [[], []];
  tab.on('console', (message) => said.push(message.text()));
  tab.on('response', (response) => response.request().resourceType() === 'image' && answers.push(response));
  await tab.goto(new URL(to, base).href, { waitUntil: 'load' });
  const shown = await tab.$$eval('img', (all) => all.map((one) => ({ path: new URL(one.currentSrc).pathname, natural: one.naturalWidth, box: [one.width, one.height] })));
  const screenshot = await tab.screenshot();
  const sent = await Promise.all(answers.map(async (one) => ({
    path: new URL(one.url()).pathname, type: one.headers()['content-type'], vary: one.headers().vary, note: one.headers()['x-vitrine'], bytes: (await one.body()).length, asked: await one.request().allHeaders(),
  })));
  await context.close();
  return { shown, sent, said, screenshot };
}

// The same, once everything on it is made for good.
async function settled(...visited) {
  let last;
  await eventually('the images', async () => {
    last = await visit(shop.through, ...visited);
    return last.sent.every(({ note }) => !note.includes('reason='));
  }, { tries: 120, pause: 1000 });
  return last;
}

const total = ({ sent }) => sent.reduce((sum, { bytes }) => sum + bytes, 0);

// How far two screenshots are from each other, in levels of a channel on the mean.
async function difference(one, other) {
  const tab = await browser.newPage();
  const mean = await tab.evaluate(async (files) => {
    const [a, b] = await Promise.all(files.map(async (base64) => {
      const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
      const pen = new OffscreenCanvas(image.width, image.height).getContext('2d');
      pen.drawImage(image, 0, 0);
      return pen.getImageData(0, 0, image.width, image.height).data;
    }));
    if (a.length !== b.length) return Infinity;
    let sum = 0;
    for (let i = 0; i < a.length; i += 1) sum += Math.abs(a[i] - b[i]);
    return sum / a.length;
  }, [one, other].map((file) => file.toString('base64')));
  await tab.close();
  return mean;
}

for (const [density, width] of [[1, 320], [2, 640]]) {
  test(`h66_a_screen_of_${density}_takes_the_width_for_it_and_the_page_looks_the_same`, async () => {
    const raw = await visit(shop.origin, '/plain', density);
    const plain = await settled('/plain', density);
    assert.deepEqual(plain.shown.map(({ path: name }) => name), Array.from({ length: PHOTOS }, (_, n) => `/_v/i/w${width}/photo/${n}.jpg`));
    assert.deepEqual(plain.shown.map(({ box }) => box), raw.shown.map(({ box }) => box));
    assert.ok(plain.sent.every(({ type }) => type === 'image/avif'), JSON.stringify(plain.sent));
    const cut = await settled('/cut', density);
    assert.deepEqual(cut.shown.map(({ path: name }) => name), Array.from({ length: PHOTOS }, (_, n) => `/_v/i/w${width}_c-1x1-50-50/photo/${n}.jpg`));
    assert.deepEqual(cut.shown.map(({ box }) => box), raw.shown.map(({ box }) => box));
    const bytes = [raw, plain, cut].map(total);
    const seen = await Promise.all([plain, cut].map(({ screenshot }) => difference(raw.screenshot, screenshot)));
    console.log(`at ${density}: ${bytes.join(', ')} bytes (shop, widths, widths and cut); ${seen.map((mean) => mean.toFixed(2))} levels from the shop's page`);
    for (const some of bytes.slice(1)) assert.ok(some * 4 < bytes[0], String(bytes));
    for (const mean of seen) assert.ok(mean < 4, String(seen));
    assert.ok(seen[1] < seen[0], `cut, an image has the pixels that its place shows: ${seen}`);
    for (const { said } of [plain, cut]) assert.deepEqual(said, []);
  });
}

test('h67_a_width_that_is_the_browsers_to_say_follows_its_screen_and_never_widens', async () => {
  for (const [density, width] of [[1, 320], [2, 640]]) {
    const { shown, sent } = await settled('/auto', density);
    const of = (name) => sent.find(({ path: asked }) => asked.includes(name));
    assert.equal(of('photo/1').asked['sec-ch-width'], String(SHOWN * density));
    assert.equal(shown[0].natural, width);
    assert.match(of('photo/1').vary, /Sec-CH-Width/);
    assert.equal(shown[1].natural, SMALL.width, 'a small photograph stays small');
    assert.deepEqual(shown.map(({ box }) => box), [[SHOWN, SHOWN], [SHOWN, SHOWN]]);
  }
});

test('h68_who_saves_data_is_sent_less_and_nobody_else_is', async () => {
  const saving = { 'save-data': 'on' };
  for (const to of ['/plain', '/cut']) {
    const [before, saved, after] = [await settled(to, 1), await settled(to, 1, saving), await settled(to, 1)];
    console.log(`${to}: ${total(saved)} of ${total(before)} bytes for who saves data`);
    assert.ok(total(saved) * 10 < total(before) * 9);
    assert.equal(total(after), total(before));
    for (const { sent } of [saved, after]) for (const { vary } of sent) assert.match(vary, /Save-Data/);
    assert.deepEqual(saved.shown, before.shown, 'the same images at the same size');
  }
});
