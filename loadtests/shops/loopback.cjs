// Preloaded into EverShop (NODE_OPTIONS=--require): it has no setting for the address it listens on and would
// answer on every interface. Every TCP listen() without a loopback host is sent to 127.0.0.1.
'use strict';
const net = require('node:net');

const isLoopback = (host) => host === '127.0.0.1' || host === '::1';
const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function listenOnLoopback(...args) {
  const [first, second] = args;
  if (first !== null && typeof first === 'object' && first.port !== undefined && !first.path) {
    if (!isLoopback(first.host)) args[0] = { ...first, host: '127.0.0.1' };
  } else if (typeof first === 'number' || (typeof first === 'string' && /^\d+$/.test(first))) {
    if (typeof second !== 'string') args.splice(1, 0, '127.0.0.1');
    else if (!isLoopback(second)) args[1] = '127.0.0.1';
  }
  return listen.apply(this, args);
};
