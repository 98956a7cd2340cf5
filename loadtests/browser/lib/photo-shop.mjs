// A small shop of real photographs: a carousel, a gallery with swatches, banners that differ by screen, long grids.
import fs from 'node:fs';
import path from 'node:path';

import { fetchPackage, images } from '../../shops/photographs.mjs';

const STYLE = `body{margin:0;font:16px/1.5 sans-serif}img{display:block;max-width:100%}
.hero{overflow:hidden}.track{display:flex;transition:transform .1s}.track img{flex:none;width:100%;height:420px;object-fit:cover}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(170px,1fr));gap:12px}.grid img{width:100%;height:220px;object-fit:cover}
.story{height:5200px}.photo img{width:100%;height:520px;object-fit:cover}.swatches img{width:60px;height:60px;object-fit:cover}
.banner-phone{width:100%;height:480px;object-fit:cover}.banner-wide img{width:100%;height:480px;object-fit:cover}
@media(max-width:599.98px){.banner-wide{display:none}}@media(min-width:600px){.banner-phone{display:none}}`;

// Photographs of the grid that ends every page.
export const BELOW = 6;

const photo = (number, more = '') => `<img src="/photo/${number}.jpg" alt="" ${more}>`;
const grid = (from) => `<div class="grid also">${Array.from({ length: BELOW }, (_, n) => photo(from + n)).join('\n')}</div>`;
const page = (title, body, head = '') => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title><style>${STYLE}</style>${head}</head><body><main>${body}
<p class="story">A long story of how these things are made.</p>${grid(20)}</main></body></html>`;

const home = () => page('Home', `<section class="hero"><div class="track">${photo(0)}${photo(1)}${photo(2)}</div>
<button id="next">Next</button></section>
<script>let at = 0; document.getElementById('next').onclick = () => {
  at = (at + 1) % 3; document.querySelector('.track').style.transform = 'translateX(' + -100 * at + '%)';
};</script>`);

const product = (number) => page('Product', `<h1>Thing ${number}</h1><div class="photo">${photo(number)}</div>
<div class="swatches">${photo(number + 1, 'class="swatch"')}${photo(number + 2, 'class="swatch"')}</div>
<script>for (const swatch of document.querySelectorAll('.swatch')) swatch.onclick = () => {
  document.querySelector('.photo img').src = swatch.getAttribute('src');
};</script>`);

const category = () => page('Category', `<img class="banner-phone" src="/photo/10.jpg" alt="">
<picture class="banner-wide"><source media="(min-width: 1200px)" srcset="/photo/11.jpg 1000w, /photo/12.jpg 2000w" sizes="100vw">
<img src="/photo/13.jpg" alt=""></picture>`);

// What a browser says of a preload that is for nothing must be heard: this page has one.
const wasteful = () => page('Wasteful', photo(10), '<link rel="preload" as="image" href="/photo/14.jpg">');

export const PAGES = { home: ['/'], product: ['/p/3', '/p/6'], category: ['/c/all'] };

// Answers for a path of the shop, as `stand` wants it.
export function answers() {
  fetchPackage();
  const files = fs.readdirSync(images).filter((name) => name.endsWith('.jpg')).sort();
  const pages = { '/': home, '/p/3': () => product(3), '/p/6': () => product(6), '/c/all': category, '/wasteful': wasteful };
  return (name) => {
    const [, number] = /^\/photo\/(\d+)\.jpg$/.exec(name) ?? [];
    if (number) {
      const body = fs.readFileSync(path.join(images, files[Number(number) % files.length]));
      return { headers: { 'content-type': 'image/jpeg', 'cache-control': 'public, max-age=600' }, body };
    }
    return pages[name] ? { body: pages[name]() } : null;
  };
}
