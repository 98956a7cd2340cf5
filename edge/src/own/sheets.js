// Switches the waiting style sheets on, all at once and in their own order, when every one of them is there;
// then removes the style that stood in for them. One that cannot be loaded is not waited for.
(function (d) {
  'use strict';
  function start() {
    var links = Array.prototype.slice.call(d.querySelectorAll('link[data-v-media]'));
    var waiting = links.length;
    function arrived() {
      waiting -= 1;
      if (waiting === 0) show();
    }
    function show() {
      links.forEach(function (link) {
        var media = link.getAttribute('data-v-media');
        if (media) link.media = media; else link.removeAttribute('media');
        link.removeAttribute('data-v-media');
      });
      d.querySelectorAll('style[data-v="critical_css"]').forEach(function (style) { style.remove(); });
    }
    links.forEach(function (link) {
      if (link.sheet) { arrived(); return; }
      link.addEventListener('load', arrived, { once: true });
      link.addEventListener('error', arrived, { once: true });
    });
  }
  // The links are in the head, and the head has been read once there is a body.
  if (d.body) start(); else d.addEventListener('DOMContentLoaded', start, { once: true });
})(document);
