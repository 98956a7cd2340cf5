/* The shop's own script. It must run after the inline configuration and before the inline start call:
   it throws when the order is wrong, so that a page whose scripts were shuffled says so in its console. */
(function () {
  'use strict';
  if (!window.ShopConfig) throw new Error('shop.js ran before ShopConfig was defined');
  if (window.Shop) throw new Error('shop.js ran twice');
  var started = false;
  var queue = [];
  window.Shop = {
    version: window.ShopConfig.version,
    start: function (page) {
      if (started) throw new Error('Shop.start was called twice');
      if (document.currentScript === null) throw new Error('Shop.start must be called by a script of the page');
      started = true;
      this.page = page;
      queue.forEach(function (work) { work(page); });
      window.dataLayer.push({ event: 'page', page: page });
    },
    onStart: function (work) { if (started) work(this.page); else queue.push(work); },
    money: function (cents) { return '$' + (cents / 100).toFixed(2); }
  };
  window.Shop.onStart(function () {
    document.querySelectorAll('[data-swap]').forEach(function (thumb) {
      thumb.addEventListener('click', function () {
        var photo = document.querySelector('.photo img');
        if (photo) photo.src = thumb.getAttribute('data-swap');
      });
    });
  });
  document.addEventListener('DOMContentLoaded', function () {
    if (!started) throw new Error('the page never called Shop.start');
    document.documentElement.setAttribute('data-shop', 'ready');
  });
})();
