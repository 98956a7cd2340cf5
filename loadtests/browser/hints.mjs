// Makes template hints from real visits, as a file for `vitrine hints import`:
//
//   node loadtests/browser/hints.mjs --base http://127.0.0.1:4000 --pages 'home=/;product=/p/ember-mug,/p/rust-cushion'
import fs from 'node:fs';

import { parse } from './lib/args.mjs';
import { launch } from './lib/browser.mjs';
import { SCREENS, collect } from './lib/hints.mjs';

const args = parse({
  base: 'http://127.0.0.1:4000',
  pages: 'home=/;category=/c/ceramics;product=/p/tidewater-vase,/p/rust-cushion,/p/ember-mug',
  visits: 80,
  screens: Object.keys(SCREENS).join(','),
  out: '-',
});

const templates = Object.fromEntries(
  args.pages.split(';').map((one) => {
    const [template, paths] = one.split('=');
    return [template, paths.split(',')];
  }),
);
const browser = await launch();
try {
  const options = { visits: args.visits, screens: args.screens.split(','), say: console.error };
  const text = `${JSON.stringify(await collect(browser, args.base, templates, options), null, 2)}\n`;
  if (args.out === '-') process.stdout.write(text);
  else fs.writeFileSync(args.out, text);
} finally {
  await browser.close();
}
