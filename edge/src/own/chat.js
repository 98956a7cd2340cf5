// Makes a button for each chat that waits, and loads and opens the chat when it is pressed.
(function (d, w) {
  'use strict';
  d.querySelectorAll('script[data-v-chat]').forEach(function (script) {
    var open = JSON.parse(script.getAttribute('data-v-open'));
    var button = d.createElement('button');
    button.type = 'button';
    button.textContent = script.getAttribute('data-v-text');
    button.setAttribute('data-v', 'facades');
    button.style.cssText = 'position:fixed;right:1rem;bottom:1rem;z-index:2147483000;padding:.75rem 1.25rem;' +
      'border:0;border-radius:2rem;background:#1b1b1f;color:#fff;font:600 1rem/1.2 system-ui,sans-serif;cursor:pointer';
    button.addEventListener('click', function () {
      if (button.getAttribute('aria-busy')) return;
      button.setAttribute('aria-busy', 'true');
      load(script, function () {
        // Ten seconds: then the chat's own button has to do.
        call(open, 100, function () { button.remove(); });
      }, function () {
        button.removeAttribute('aria-busy');
      });
    });
    d.body.appendChild(button);
  });
  function load(held, loaded, failed) {
    var script = d.createElement('script');
    Array.prototype.forEach.call(held.attributes, function (one) {
      if (!/^(type|data-v-.*)$/.test(one.name)) script.setAttribute(one.name, one.value);
    });
    script.nonce = held.nonce;
    script.onload = loaded;
    script.onerror = function () { script.remove(); failed(); };
    script.src = held.getAttribute('data-v-chat');
    held.parentNode.insertBefore(script, held.nextSibling);
  }
  function call(open, tries, done) {
    var owner = null, target = w;
    open[0].split('.').forEach(function (name) { owner = target; target = target && target[name]; });
    if (typeof target === 'function') {
      try { target.apply(owner, open.slice(1)); } finally { done(); }
    } else if (tries > 0) {
      setTimeout(call, 100, open, tries - 1, done);
    } else {
      done();
    }
  }
})(document, window);
