// A page made of a style sheet's own selectors: for each, elements that it matches.

// More would take longer and show little else.
const MOST = 400;
const VOID = new Set(['area', 'br', 'col', 'embed', 'hr', 'img', 'input', 'source', 'track', 'wbr']);
const ROOTS = new Set(['html', 'body', 'head']);

// The selectors before each block that is no at-rule's, without what `:not()` and the like ask for.
function selectors(css) {
  const plain = css.replaceAll(/\/\*.*?\*\//gs, '');
  const preludes = [...plain.matchAll(/(?<=^|[{};])\s*([^@{};][^{};]*)\{/g)].map(([, prelude]) => prelude);
  const bare = preludes.map((prelude) => prelude.replaceAll(/::?[\w-]+(\((?:[^()]|\([^()]*\))*\))?/g, ''));
  return bare.flatMap((prelude) => prelude.split(',')).map((selector) => selector.trim());
}

// One compound selector as a start tag, or null where it can be none.
function tag(compound) {
  const name = compound.match(/^[a-z][\w-]*/i)?.[0] ?? 'div';
  if (ROOTS.has(name) || /^[\d.]+%$|^(from|to)$/.test(compound)) return null;
  const classes = [...compound.matchAll(/\.((?:\\.|[\w-])+)/g)].map(([, one]) => one.replaceAll('\\', ''));
  const attributes = [...compound.matchAll(/\[([\w-]+)[*^$|~]?(?:=["']?([^\]"']*)["']?)?\]/g)].filter(([, key]) => key !== 'class');
  const written = attributes.map(([, key, value]) => ` ${key}="${value ?? ''}"`).join('');
  return { name, html: `<${name}${classes.length > 0 ? ` class="${classes.join(' ')}"` : ''}${written}>` };
}

// Nested as the selector says; what comes after a sibling stands beside it.
function nested(selector) {
  let html = '';
  const open = [];
  for (const [, combinator, compound] of ` ${selector}`.matchAll(/\s*([\s>+~])\s*((?:\\.|\[[^\]]*\]|[^\s>+~])+)/g)) {
    const element = tag(compound);
    if (!element) continue;
    if ('+~'.includes(combinator) && open.length > 0) html += `</${open.pop()}>`;
    html += element.html;
    if (VOID.has(element.name)) continue;
    open.push(element.name);
  }
  return open.length > 0 ? `${html}x${open.reverse().map((name) => `</${name}>`).join('')}` : html;
}

export function specimen(css) {
  const all = [...new Set(selectors(css).map(nested))].filter(Boolean);
  const step = Math.max(1, all.length / MOST);
  return Array.from({ length: Math.min(MOST, all.length) }, (_, at) => all[Math.floor(at * step)]).join('\n');
}
