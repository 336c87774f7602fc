// The issuer's answer arrives in a hidden frame; hand it to the page that opened the frame, and to nobody else.
if (window.parent !== window) {
  const answer = Object.fromEntries(new URLSearchParams(window.location.search));
  window.history.replaceState(null, "", window.location.pathname);
  window.parent.postMessage({ kind: "mintmark-relay", answer }, window.location.origin);
} else {
  window.location.replace("/"); // signing out by a full redirect ends here
}
