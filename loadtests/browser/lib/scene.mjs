// A shop of a test's own pages, its vendors, Vitrine in front of it and a browser that finds them all.
import path from 'node:path';
import { after, before } from 'node:test';

import { VIEWPORT, launch, watchConsole } from './browser.mjs';
import { stand } from './stand.mjs';
import { vendors } from './vendors.mjs';

export const SIDES = ['origin', 'through'];

// Stands while the file's tests run. `pages` are the shop's by path, `answer` is what vendors say.
export function scene({ vitrine, manifest, port, pages, answer, policy }) {
  const set = {};
  before(async () => {
    set.strangers = await vendors(port + 2, answer);
    set.shop = await stand({ vitrine: path.resolve(vitrine), manifest: path.resolve(manifest), port, shop: (name) => pages[name] ?? null, policy });
    set.browser = await launch({ args: set.strangers.switches });
  });
  after(async () => {
    await set.browser?.close();
    await set.shop?.close();
    await set.strangers?.close();
  });
  // Opens a page of one side; `errors` are what its console shows, `asked` are the vendors' hosts that it has asked.
  set.open = async (side, name, { until = 'load', init } = {}) => {
    const context = await set.browser.newContext({ viewport: VIEWPORT });
    const tab = await context.newPage();
    const errors = [];
    watchConsole(tab, errors);
    if (init) await tab.addInitScript(init);
    const known = set.strangers.hits.length;
    await tab.goto(set.shop[side] + name, { waitUntil: until });
    const asked = () => set.strangers.hits.slice(known).map(({ url }) => url.host);
    return { tab, errors, asked, close: () => context.close() };
  };
  return set;
}
