// `--name value` pairs, each with a default; an unknown name is an error.
export function parse(defaults) {
  const values = { ...defaults };
  const words = process.argv.slice(2);
  for (let i = 0; i < words.length; i += 1) {
    const name = words[i].replace(/^--/, '');
    if (!words[i].startsWith('--') || !(name in defaults)) {
      console.error(`unknown argument ${words[i]}; known: ${Object.keys(defaults).map((k) => `--${k}`).join(' ')}`);
      process.exit(2);
    }
    if (typeof defaults[name] === 'boolean') {
      values[name] = true;
      continue;
    }
    i += 1;
    if (words[i] === undefined) {
      console.error(`--${name} needs a value`);
      process.exit(2);
    }
    values[name] = typeof defaults[name] === 'number' ? Number(words[i]) : words[i];
  }
  return values;
}
