// The numbers of a comparison, as text.
const KB = (value) => `${Math.round(value / 1024).toLocaleString('en')} KB`;
const MS = (value) => `${Math.round(value).toLocaleString('en')} ms`;

// Every measure that is shown, and how it is written. Lower is better for all of them.
export const MEASURES = [
  { key: 'lcp', name: 'LCP', long: 'Largest Contentful Paint', write: MS },
  { key: 'fcp', name: 'FCP', long: 'First Contentful Paint', write: MS },
  { key: 'cls', name: 'CLS', long: 'Cumulative Layout Shift', write: (value) => value.toFixed(3) },
  { key: 'tbt', name: 'TBT', long: 'Total Blocking Time', write: MS },
  { key: 'bytes', name: 'bytes', long: 'Bytes over the wire', write: KB },
  { key: 'requests', name: 'requests', long: 'Requests', write: (value) => String(Math.round(value)) },
];

export function change(before, after) {
  if (before === 0) return after === 0 ? '0 %' : 'new';
  const percent = Math.round(((after - before) / before) * 100);
  return `${percent > 0 ? '+' : ''}${percent} %`;
}

export function textTable(rows) {
  const lines = [['page', 'measure', 'origin', 'Vitrine', 'change']];
  for (const { page, before, after } of rows) {
    for (const { key, name, write } of MEASURES) {
      lines.push([page, name, write(before[key]), write(after[key]), change(before[key], after[key])]);
    }
  }
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines
    .map((line) => line.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  '))
    .join('\n');
}
