// One way to start Chromium, for every script of the lab.
import { chromium } from 'playwright-core';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

// The same viewport everywhere: screenshots and layout shifts are comparable only then.
export const VIEWPORT = { width: 1280, height: 800 };

export function executable() {
  const found = [process.env.VITRINE_CHROMIUM, ...CANDIDATES].find((path) => path && existsSync(path));
  if (!found) {
    console.error(`no Chromium: install Debian's chromium, or set VITRINE_CHROMIUM (looked at ${CANDIDATES.join(', ')})`);
    process.exit(2);
  }
  return found;
}

// A fresh profile each time: playwright gives every launch its own temporary directory.
export function launch({ bfcache = false, args = [] } = {}) {
  return chromium.launch({
    executablePath: executable(),
    headless: true,
    chromiumSandbox: false,
    ignoreDefaultArgs: bfcache ? ['--disable-back-forward-cache'] : [],
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...args,
    ],
  });
}

// Chromium with a page that does everything by itself: a browser that is driven prerenders nothing.
export function undriven(url, { args = [] } = {}) {
  const profile = mkdtempSync(path.join(os.tmpdir(), 'vitrine-chromium-'));
  const fixed = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', `--user-data-dir=${profile}`];
  // A group of its own, so that all its processes end with it: any one of them would go on writing to the profile.
  const child = spawn(executable(), [...fixed, ...args, url], { stdio: 'ignore', detached: true });
  return async () => {
    const ended = child.exitCode === null && new Promise((done) => child.once('exit', done));
    if (ended) process.kill(-child.pid, 'SIGKILL');
    await ended;
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
}

// A phone's processor on a modest connection: what a shop's p75 visitor has.
export const CONDITIONS = { cpu: 4, mbit: 10, rtt: 40 };

export async function throttle(session, { cpu, mbit, rtt } = CONDITIONS) {
  const bytes = (mbit * 1e6) / 8;
  await session.send('Emulation.setCPUThrottlingRate', { rate: cpu });
  await session.send('Network.enable');
  await session.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: rtt,
    downloadThroughput: bytes,
    uploadThroughput: bytes,
  });
}

// Errors a visitor's console shows: failed loads, thrown exceptions, `console.error`.
export function watchConsole(page, errors) {
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    // Chromium leaves out of its text which load has failed.
    const what = message.text().startsWith('Failed to load resource') ? ` (${message.location().url})` : '';
    errors.push(`console: ${message.text()}${what}`);
  });
  page.on('pageerror', (error) => errors.push(`thrown: ${error.message}`));
}

export async function eventually(what, probe, { tries = 50, pause = 200 } = {}) {
  for (let i = 0; i < tries; i += 1) {
    const found = await probe();
    if (found) return found;
    await new Promise((done) => setTimeout(done, pause));
  }
  throw new Error(`${what}: not seen within ${(tries * pause) / 1000} s`);
}
