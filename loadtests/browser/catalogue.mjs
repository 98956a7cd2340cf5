// The pictures of a running storefront in Chromium, straight and through Vitrine: every one of them displays, as large and
// as upright as before, in the same colours, and in how many bytes. Screenshots of both sides stand beside each other in
// the folder.
//
//   node catalogue.mjs --origin URL --vitrine URL --folder DIR --pages home=/,product=/p/1 --smaller product [--record FILE]
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { parse } from './lib/args.mjs';
import { VIEWPORT, eventually, launch } from './lib/browser.mjs';

const args = parse({ origin: '', vitrine: '', folder: '', pages: 'home=/', smaller: '', record: '' });

// Half of a picture's areas may differ by this much (CIE 1976): what an eye hardly sees side by side. The colour of an area is
// its mean, in which what compression does to single pixels cancels out and a shift of colours does not.
const DELTA_E = 2;
// Areas of a picture that are compared, across and down.
const GRID = 16;
// A variant that nobody waits for is there by then, and a shop that counts a visitor's requests by the minute counts anew.
const READY = { tries: 100, pause: 1000 };

const pages = args.pages.split(',').map((page) => page.split('='));

// Down the page, so that lazy pictures come too, and up again.
const toTheEnd = (page) =>
  page.evaluate(async () => {
    for (let y = 0; y < document.body.scrollHeight; y += 400) {
      scrollTo(0, y);
      await new Promise((done) => setTimeout(done, 60));
    }
    scrollTo(0, 0);
    await Promise.all([...document.images].map((image) => image.decode().catch(() => null)));
  });

// Each picture as it is shown: address, own and laid-out size, and the mean colours of its areas.
const shown = (page) =>
  page.evaluate((grid) =>
    [...document.images].filter((image) => image.currentSrc).map((image) => {
      const { naturalWidth: width, naturalHeight: height } = image;
      const box = image.getBoundingClientRect();
      const pen = new OffscreenCanvas(grid, grid).getContext('2d', { willReadFrequently: true });
      pen.imageSmoothingQuality = 'high';
      if (width > 0) pen.drawImage(image, 0, 0, grid, grid);
      const { data } = pen.getImageData(0, 0, grid, grid);
      const colours = Array.from({ length: grid * grid }, (_, n) => [...data.subarray(n * 4, n * 4 + 3)]);
      const { pathname, search } = new URL(image.currentSrc);
      return { name: pathname + search, own: [width, height], box: [box.width, box.height].map(Math.round), at: [box.left, box.top + scrollY].map(Math.round), colours };
    }), GRID);

// sRGB to CIELAB with a white of D65.
function lab(colour) {
  const [r, g, b] = colour.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  const [x, y, z] = [
    (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047,
    0.2126 * r + 0.7152 * g + 0.0722 * b,
    (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883,
  ].map((t) => (t > 216 / 24389 ? Math.cbrt(t) : (841 / 108) * t + 4 / 29));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function medianDifference(before, after) {
  const differences = before.map((colour, n) => Math.hypot(...lab(colour).map((value, axis) => value - lab(after[n])[axis])));
  return differences.sort((a, b) => a - b)[differences.length >> 1];
}

// A page until nothing more of it is made smaller: its pictures, their bytes and types as they came.
async function look(browser, base, address) {
  const context = await browser.newContext({ viewport: VIEWPORT });
  const page = await context.newPage();
  const files = new Map();
  page.on('response', (response) => {
    const { pathname, search } = new URL(response.url());
    if (response.request().resourceType() !== 'image' || !response.url().startsWith(base)) return;
    const read = response.body().then((body) => body.length, () => 0);
    files.set(pathname + search, read.then((bytes) => ({ bytes, type: response.headers()['content-type'], layer: response.headers()['x-vitrine'] ?? '' })));
  });
  const answer = await page.goto(base + address, { waitUntil: 'load' });
  if (!answer.ok()) return context.close();
  await toTheEnd(page);
  await page.waitForLoadState('networkidle');
  const pictures = await shown(page);
  const came = new Map(await Promise.all([...files].map(async ([name, file]) => [name, await file])));
  const screenshot = await page.screenshot();
  await context.close();
  return { pictures, came, screenshot };
}

const isOnItsWay = ({ layer }) => /not-ready|first|miss/.test(layer);

// The page once the shop answers and, through Vitrine, once no variant is on its way.
async function settled(browser, base, address) {
  let seen;
  await eventually(`${address} and its variants`, async () => {
    seen = await look(browser, base, address);
    return seen && ![...seen.came.values()].some(isOnItsWay);
  }, READY);
  return seen;
}

const sum = (came) => [...came.values()].reduce((bytes, file) => bytes + file.bytes, 0);
const inKilobytes = (bytes) => (bytes / 1000).toFixed(1);

async function sideBySide(browser, name, before, after) {
  const page = await browser.newPage({ viewport: { width: VIEWPORT.width * 2, height: VIEWPORT.height } });
  const picture = (png) => `<img style="display:block;width:50%" src="data:image/png;base64,${png.toString('base64')}">`;
  await page.setContent(`<body style="margin:0;display:flex">${picture(before)}${picture(after)}`, { waitUntil: 'load' });
  await page.screenshot({ path: path.join(args.folder, `${name}.png`) });
  await page.close();
}

test('every_picture_of_a_catalogue_displays_as_before', async () => {
  fs.mkdirSync(args.folder, { recursive: true });
  const browser = await launch();
  const rows = ['| page | pictures | AVIF or WebP | straight, kB | through Vitrine, kB | saved | largest median ΔE |', '|---|---|---|---|---|---|---|'];
  try {
    for (const [name, address] of pages) {
      const before = await settled(browser, args.origin, address);
      const after = await settled(browser, args.vitrine, address);
      await sideBySide(browser, name, before.screenshot, after.screenshot);
      assert.ok(before.pictures.length > 0, `${address} has pictures`);
      assert.deepEqual(after.pictures.map(({ name }) => name), before.pictures.map(({ name }) => name), address);
      const photographs = [];
      for (const [n, picture] of before.pictures.entries()) {
        const now = after.pictures[n];
        if (picture.own[0] > 0) assert.ok(now.own[0] > 0, `${picture.name} displays`);
        for (const what of ['own', 'box', 'at']) assert.deepEqual(now[what], picture[what], `${picture.name}: ${what}`);
        const difference = medianDifference(picture.colours, now.colours);
        photographs.push(difference);
        assert.ok(difference <= DELTA_E, `${picture.name}: a median ΔE of ${difference.toFixed(2)}`);
      }
      for (const [file, { bytes, type, layer }] of after.came) if (!/avif|webp/.test(type)) console.log(`${file} stayed ${type}, ${bytes} bytes: ${layer}`);
      const modern = [...after.came.values()].filter(({ type }) => /avif|webp/.test(type)).length;
      const [straight, through] = [sum(before.came), sum(after.came)];
      assert.ok(through <= straight, `${address}: ${straight} bytes became ${through}`);
      if (args.smaller.split(',').includes(name)) assert.ok(through < straight, `${address}: as many bytes as before`);
      rows.push(`| ${name} | ${after.came.size} | ${modern} | ${inKilobytes(straight)} | ${inKilobytes(through)} | ${(100 * (1 - through / straight)).toFixed(0)} % | ${Math.max(...photographs).toFixed(2)} |`);
    }
  } finally {
    await browser.close();
  }
  console.log(rows.join('\n'));
  if (args.record) fs.writeFileSync(args.record, `${rows.join('\n')}\n`);
});
