// Headless Chromium over its debugging pipe: no port, no packages.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

function find() {
  if (process.env.VITRINE_CHROMIUM) return process.env.VITRINE_CHROMIUM;
  for (const dir of (process.env.PATH ?? '').split(':')) {
    for (const name of NAMES) if (fs.existsSync(path.join(dir, name))) return path.join(dir, name);
  }
  throw new Error(`no Chromium: install one of ${NAMES.join(', ')}, or name it in VITRINE_CHROMIUM`);
}

export class Chromium {
  #child;
  #next = 1;
  #waiting = new Map();
  #listeners = new Set();
  #rest = '';

  /** `hosts` says where public names are found: { 'shop.localhost:80': '127.0.0.1:4000' }. */
  constructor({ hosts = {} } = {}) {
    this.profile = fs.mkdtempSync(path.join(os.tmpdir(), 'vitrine-chromium-'));
    const rules = Object.entries(hosts).map(([name, place]) => `MAP ${name} ${place}`);
    const args = [
      '--headless=new',
      '--remote-debugging-pipe',
      `--user-data-dir=${this.profile}`,
      `--host-resolver-rules=${rules.join(',')}`,
      '--no-first-run',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--mute-audio',
      // Root cannot have the sandbox; the pages are our own.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ];
    this.#child = spawn(find(), args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    this.#child.stdio[4].setEncoding('utf8');
    this.#child.stdio[4].on('data', (text) => this.#read(text));
  }

  #read(text) {
    const messages = (this.#rest + text).split('\0');
    this.#rest = messages.pop();
    for (const message of messages.map((each) => JSON.parse(each))) {
      const waiting = this.#waiting.get(message.id);
      if (waiting) {
        this.#waiting.delete(message.id);
        if (message.error) waiting.reject(new Error(message.error.message));
        else waiting.resolve(message.result);
      } else {
        for (const listener of this.#listeners) listener(message);
      }
    }
  }

  send(method, params = {}, sessionId) {
    const id = this.#next++;
    this.#child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  listen(listener) {
    this.#listeners.add(listener);
  }

  /** A page with cookies of its own. */
  async page() {
    const { browserContextId } = await this.send('Target.createBrowserContext');
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank', browserContextId, width: 1280, height: 900 });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, sessionId);
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await page.send(`${domain}.enable`);
    return page;
  }

  async close() {
    const gone = new Promise((resolve) => this.#child.on('exit', resolve));
    this.send('Browser.close').catch(() => {});
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, 5000))]);
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL');
    fs.rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

class Page {
  /** What the console complained about: errors, exceptions and failed loads. */
  errors = [];
  #inFlight = new Set();
  #lastMoved = Date.now();

  constructor(browser, session) {
    this.browser = browser;
    this.session = session;
    browser.listen((message) => message.sessionId === session && this.#heard(message));
  }

  send(method, params) {
    return this.browser.send(method, params, this.session);
  }

  #heard({ method, params }) {
    if (method === 'Runtime.exceptionThrown') {
      this.errors.push(params.exceptionDetails.exception?.description?.split('\n')[0] ?? params.exceptionDetails.text);
    } else if (method === 'Log.entryAdded' && params.entry.level === 'error') {
      this.errors.push(`${params.entry.text} ${params.entry.url ?? ''}`);
    } else if (method === 'Runtime.consoleAPICalled' && params.type === 'error') {
      this.errors.push(params.args.map((arg) => arg.value ?? arg.description).join(' '));
    } else if (method === 'Network.requestWillBeSent') {
      this.#inFlight.add(params.requestId);
      this.#lastMoved = Date.now();
    } else if (method === 'Network.loadingFinished' || method === 'Network.loadingFailed') {
      this.#inFlight.delete(params.requestId);
      this.#lastMoved = Date.now();
    }
  }

  async goto(url) {
    const { errorText } = await this.send('Page.navigate', { url });
    if (errorText) throw new Error(`${url}: ${errorText}`);
    await this.until('document.readyState === "complete"');
    await this.quiet();
  }

  /** Waits until the network has been quiet for a moment. */
  async quiet(ms = 700, limit = 30_000) {
    const started = Date.now();
    while (Date.now() - started < limit) {
      if (this.#inFlight.size === 0 && Date.now() - this.#lastMoved > ms) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async evaluate(expression) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async until(expression, limit = 20_000) {
    const started = Date.now();
    while (Date.now() - started < limit) {
      if (await this.evaluate(expression).catch(() => false)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`never true: ${expression}`);
  }

  text() {
    return this.evaluate('document.body.innerText.replace(/\\s+/g, " ").trim()');
  }
}
