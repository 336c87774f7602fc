// One request to the issuer in a hidden frame. The answer comes back through relay.html (same origin as this page).

export class FrameTimeout extends Error {}

/**
 * Open `url` in a hidden frame (by POST of `fields` where given) and resolve with the parameters of the answer.
 * The issuer and this page are of one site, so the issuer's cookie goes along.
 */
export function throughFrame(url, { fields = null, timeout = 6000 } = {}) {
  return new Promise((resolve, reject) => {
    const frame = document.createElement("iframe");
    frame.hidden = true;
    frame.title = "Conversation with the issuer";
    frame.name = `relay-${crypto.randomUUID()}`;
    const form = fields ? hiddenForm(url, fields, frame.name) : null;

    const finish = (settle, value) => {
      window.clearTimeout(timer);
      window.removeEventListener("message", onMessage);
      frame.remove();
      form?.remove();
      settle(value);
    };
    const onMessage = (event) => {
      if (event.origin !== window.location.origin || event.source !== frame.contentWindow) return;
      if (event.data?.kind === "mintmark-relay") finish(resolve, event.data.answer);
    };
    const timer = window.setTimeout(
      () => finish(reject, new FrameTimeout("the issuer did not answer in the hidden frame")), timeout);

    window.addEventListener("message", onMessage);
    if (!form) frame.src = url;
    document.body.append(frame);
    form?.submit();
  });
}

/** A form that posts `fields` to `url`: values in a body appear in no address and in no log. */
export function hiddenForm(url, fields, target = "_self") {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", action: url, target, hidden: true });
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name, value });
    form.append(input);
  }
  document.body.append(form);
  return form;
}
