// In the document of a facade: makes its link a button that puts the player in the place of the frame.
// Without this script the link opens the player in the frame.
(function (link, frame) {
  'use strict';
  if (!link || !frame) return;
  link.setAttribute('role', 'button');
  function play(event) {
    event.preventDefault();
    if (frame.hidden) return;
    // A new frame, because a new address for this one would be one more step for the Back button.
    var player = frame.cloneNode(false);
    player.removeAttribute('srcdoc');
    player.src = link.href;
    player.addEventListener('load', function () {
      // A browser forgets that the frame has the focus when another origin's document comes into it.
      if (parent.document.activeElement === player) { player.blur(); player.focus(); }
      // Not earlier: with its document this script ends.
      frame.remove();
    }, { once: true });
    frame.hidden = true;
    frame.style.setProperty('display', 'none', 'important');
    frame.before(player);
    player.focus();
  }
  link.addEventListener('click', function (event) {
    if (!event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey) play(event);
  });
  link.addEventListener('keydown', function (event) {
    if (event.key === ' ') play(event);
  });
})(document.querySelector('a'), window.frameElement);
