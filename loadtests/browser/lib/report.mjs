// One self-contained HTML file: numbers, charts and what the visitor saw.
import { MEASURES, change } from './table.mjs';

const escape = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

const STYLE = `
:root{--ink:#1f2629;--soft:#667074;--line:#dfe3e4;--before:#b9853c;--after:#2f6f76;--good:#2c7a4b;--bad:#b3402c}
body{margin:0;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:#f6f7f7}
main{max-width:1120px;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.7rem;margin:0 0 .3rem}h2{margin:2.5rem 0 .8rem;font-size:1.25rem}
.soft{color:var(--soft)}
section{background:#fff;border:1px solid var(--line);border-radius:10px;padding:1.2rem 1.4rem;margin:0 0 1.2rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:right;padding:.4rem .6rem;border-bottom:1px solid var(--line);font-variant-numeric:tabular-nums}
th:first-child,td:first-child{text-align:left}
.good{color:var(--good);font-weight:600}.bad{color:var(--bad);font-weight:600}
.charts{display:grid;grid-template-columns:repeat(3,1fr);gap:1rem;margin-top:1.2rem}
.charts figure{margin:0}.charts figcaption{font-size:.85rem;color:var(--soft)}
.film{display:grid;gap:.6rem;margin-top:1.2rem}
.film div{display:grid;grid-template-columns:5.5rem repeat(var(--n),1fr);gap:.5rem;align-items:center}
.film img,.film .blank{width:100%;aspect-ratio:16/10;object-fit:cover;border:1px solid var(--line);border-radius:6px;background:#fff;display:block}
.film span{font-size:.85rem}
.ends{display:grid;grid-template-columns:1fr 1fr;gap:1rem;margin-top:1rem}.ends img{width:100%;border:1px solid var(--line);border-radius:6px}
.before{color:var(--before)}.after{color:var(--after)}
@media(max-width:760px){.charts,.ends{grid-template-columns:1fr}}`;

// Two bars and the single visits as dots, so that the spread is seen beside the median.
function chart({ key, long, write }, row) {
  const visits = [row.visits.origin, row.visits.vitrine].map((list) => list.map((visit) => visit[key]));
  const top = Math.max(...visits.flat(), row.before[key], row.after[key]) || 1;
  const x = (value) => 4 + (value / top) * 236;
  const bar = (y, value, colour, dots) =>
    `<rect x="4" y="${y}" width="${Math.max(1, x(value) - 4).toFixed(1)}" height="20" rx="3" fill="${colour}" opacity=".85"/>` +
    dots.map((dot) => `<circle cx="${x(dot).toFixed(1)}" cy="${y + 10}" r="2.6" fill="#1f2629" opacity=".55"/>`).join('') +
    `<text x="248" y="${y + 15}" font-size="13" fill="#1f2629">${escape(write(value))}</text>`;
  return `<figure><svg viewBox="0 0 330 56" role="img" aria-label="${long}: origin ${escape(write(row.before[key]))}, Vitrine ${escape(write(row.after[key]))}">${bar(3, row.before[key], '#b9853c', visits[0])}${bar(30, row.after[key], '#2f6f76', visits[1])}</svg><figcaption>${long}</figcaption></figure>`;
}

function numbers(row) {
  const lines = MEASURES.map(({ key, long, write }) => {
    const [before, after] = [row.before[key], row.after[key]];
    const verdict = after < before * 0.98 ? 'good' : after > before * 1.02 ? 'bad' : '';
    return `<tr><td>${long}</td><td>${write(before)}</td><td>${write(after)}</td><td class="${verdict}">${change(before, after)}</td></tr>`;
  });
  return `<table><thead><tr><th>Median of ${row.visits.origin.length} visits</th><th class="before">Origin</th><th class="after">Vitrine</th><th>Change</th></tr></thead><tbody>${lines.join('')}</tbody></table>`;
}

function strip(name, colour, film) {
  const cells = film.moments.map(({ moment, image }) =>
    image ? `<img alt="${name} after ${moment / 1000} s" src="data:image/jpeg;base64,${image}">` : '<div class="blank"></div>');
  return `<div><span class="${colour}">${name}</span>${cells.join('')}</div>`;
}

function section(row) {
  const { origin, vitrine } = row.films;
  const count = origin.moments.length;
  const heads = origin.moments.map(({ moment }) => `<span class="soft">${moment / 1000} s</span>`).join('');
  return `<h2>${escape(row.page)} <span class="soft">${escape(row.path)}</span></h2><section>${numbers(row)}
<div class="charts">${MEASURES.map((measure) => chart(measure, row)).join('')}</div>
<div class="film" style="--n:${count}"><div><span></span>${heads}</div>${strip('Origin', 'before', origin)}${strip('Vitrine', 'after', vitrine)}</div>
<p class="soft">LCP element: origin <code>${escape(row.visits.origin[0].lcpElement)}</code>, Vitrine <code>${escape(row.visits.vitrine[0].lcpElement)}</code>. Console errors: origin ${row.before.errors}, Vitrine ${row.after.errors}. Decision: <code>${escape(row.visits.vitrine[0].decision)}</code></p>
<div class="ends"><img alt="Origin, at the end" src="data:image/jpeg;base64,${origin.end}"><img alt="Vitrine, at the end" src="data:image/jpeg;base64,${vitrine.end}"></div></section>`;
}

export function htmlReport({ rows, origin, vitrine, conditions, warmed, made }) {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Before and after Vitrine</title><style>${STYLE}</style></head><body><main>
<h1>Before and after</h1>
<p class="soft">The same shop straight from its origin (${escape(origin)}) and through Vitrine (${escape(vitrine)}), each visit with an empty cache, in turns. Chromium, ${conditions.cpu}x slower processor, ${conditions.mbit} Mbit/s, ${conditions.rtt} ms round trip. Pictures in a better format before the first measured visit: ${warmed.better} of ${warmed.pictures}. ${escape(made)}</p>
${rows.map(section).join('\n')}
</main></body></html>\n`;
}
