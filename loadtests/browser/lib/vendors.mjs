// Every vendor at once: one server that answers for any host, to a browser that finds every host there. It speaks
// TLS, because browsers ask the well-known hosts for nothing else.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';

// `answer(host + path, url)` gives { body, delay, status, headers } or null; `hits` are the requests so far that had
// an answer: a browser has questions of its own.
export async function vendors(port, answer) {
  const hits = [];
  const server = https.createServer(certificate(), async (request, response) => {
    const url = new URL(request.url, `https://${request.headers.host}`);
    const found = answer(url.host + url.pathname, url);
    if (found) hits.push({ url, at: Date.now() });
    const { body = '', delay = 0, status = 200, headers = {} } = found ?? { status: 404 };
    if (delay > 0) await new Promise((done) => setTimeout(done, delay));
    response.writeHead(status, { 'content-type': 'text/javascript', 'cache-control': 'no-store', 'access-control-allow-origin': '*', ...headers }).end(body);
  });
  await new Promise((done) => server.listen(port, '127.0.0.1', done));
  const close = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  // Chromium's switches by which every host but the shop's is found here, whatever its certificate.
  const switches = [`--host-resolver-rules=MAP * 127.0.0.1:${port}, EXCLUDE 127.0.0.1`, '--ignore-certificate-errors'];
  return { hits, close, switches };
}

// A certificate that nobody has to believe, made anew each time.
function certificate() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vitrine-vendors-'));
  const [key, cert] = ['key.pem', 'cert.pem'].map((name) => path.join(folder, name));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=vendors', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const made = { key: fs.readFileSync(key), cert: fs.readFileSync(cert) };
  fs.rmSync(folder, { recursive: true, force: true });
  return made;
}
