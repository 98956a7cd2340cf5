// In the document of a facade: makes its link a button that puts the player in the place of the frame.
// Without this script the link opens the player in the frame.
(function (link, frame) {
  'use strict';
  if (!link || !frame) return;
  link.setAttribute('role', 'button');
  function play(event) {
    event.preventDefault();
    // A new frame, because a new address for this one would be one more step for the Back button.
    var player = frame.cloneNode(false);
    player.removeAttribute('srcdoc');
    player.src = link.href;
    frame.replaceWith(player);
    player.focus();
  }
  link.addEventListener('click', function (event) {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey) play(event);
  });
  link.addEventListener('keydown', function (event) {
    if (event.key === ' ') play(event);
  });
})(document.querySelector('a'), window.frameElement);
