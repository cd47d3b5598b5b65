// Block Kit's text objects (https://docs.slack.dev/reference/block-kit/composition-objects/text-object).

import { h } from "./dom.js";
import { drawn } from "./emoji.js";
import { mrkdwn, plain } from "./mrkdwn.js";

/** A text object's nodes. */
export function textObject(object, context) {
  if (!object) return [];
  if (typeof object === "string") return drawn(plain(object));
  if (object.type === "plain_text") {
    const lines = plain(object.text, { withEmoji: object.emoji !== false }).split("\n");
    return lines.flatMap((line, index) => [index ? h("br") : null, ...drawn(line)]);
  }
  return mrkdwn(object.text, { ...context, verbatim: object.verbatim });
}

/** What a text object says, without formatting. */
export function words(object) {
  if (!object) return "";
  return plain(typeof object === "string" ? object : object.text);
}
