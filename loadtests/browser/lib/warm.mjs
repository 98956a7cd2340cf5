// Image variants are made after the first visit; a fair "after" starts when they are there.
const ACCEPT = 'image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8';
const PAUSE_MS = 2000;
// A picture whose variant does not come in this time keeps its original for good.
const PATIENCE_MS = 90_000;
const LONGEST_MS = 600_000;

export async function picturesOf(base, pages) {
  const found = new Set();
  for (const path of pages) {
    const html = await (await fetch(new URL(path, base))).text();
    for (const [, src] of html.matchAll(/<img\b[^>]*?\bsrc="([^"]+)"/g)) {
      const url = new URL(src.replaceAll('&amp;', '&'), base);
      if (url.origin === new URL(base).origin) found.add(url.href);
    }
  }
  return [...found];
}

// Asks for every picture until each comes in a better format, or nothing has changed for a while.
export async function warm(base, pages, say) {
  const open = new Set(await picturesOf(base, pages));
  const all = open.size;
  const started = Date.now();
  let progress = started;
  let told = -1;
  while (open.size > 0 && Date.now() - progress < PATIENCE_MS && Date.now() - started < LONGEST_MS) {
    for (const url of open) {
      const answer = await fetch(url, { headers: { accept: ACCEPT } });
      await answer.arrayBuffer();
      if (/avif|webp/.test(answer.headers.get('content-type') ?? '')) {
        open.delete(url);
        progress = Date.now();
      }
    }
    if (told !== open.size) say(`pictures in a better format: ${all - open.size} of ${all}, ${Math.round((Date.now() - started) / 1000)} s`);
    told = open.size;
    if (open.size > 0) await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
  return { pictures: all, better: all - open.size, seconds: (Date.now() - started) / 1000 };
}
