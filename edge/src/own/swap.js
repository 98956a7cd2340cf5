// A script that gives an image another `src` means it: the widths that were offered for the old one go.
(function (d) {
  new MutationObserver(function (changes) {
    changes.forEach(function (change) {
      var image = change.target;
      if (!image.hasAttribute('data-v-widths') || image.getAttribute('src') === change.oldValue) return;
      ['srcset', 'sizes', 'data-v-widths'].forEach(function (name) {
        image.removeAttribute(name);
      });
    });
  }).observe(d, { subtree: true, attributes: true, attributeFilter: ['src'], attributeOldValue: true });
})(document);
