// Block Kit's interactive elements (https://docs.slack.dev/reference/block-kit/block-elements).
//
// A `form` is where they live: a message, a modal or App Home.
//   names                       finds users, channels and groups
//   value(block, action)        what has been chosen (Slack's state value), or undefined
//   keep(block, action, value)  remembers what was chosen
//   act(block, element, given)  sends an action; `given` as in Slack's payload; resolves to the error
//                               that Slack would show, or null
//   upload(file)                uploads a file, resolves to its id

import { checkboxes, multiSelect, picker, radioButtons, select } from "./choices.js";
import { append, h, icon, unique } from "./dom.js";
import { framed, openBeside, send } from "./element_parts.js";
import { fileInput, textInput } from "./inputs.js";
import { textObject } from "./text_objects.js";

const MAKERS = {
  button,
  workflow_button: button,
  overflow,
  static_select: select,
  external_select: select,
  users_select: select,
  conversations_select: select,
  channels_select: select,
  multi_static_select: multiSelect,
  multi_external_select: multiSelect,
  multi_users_select: multiSelect,
  multi_conversations_select: multiSelect,
  multi_channels_select: multiSelect,
  radio_buttons: radioButtons,
  checkboxes,
  datepicker: picker,
  timepicker: picker,
  datetimepicker: picker,
  plain_text_input: textInput,
  email_text_input: textInput,
  url_text_input: textInput,
  number_input: textInput,
  file_input: fileInput,
  image,
};

/** Whether `element` is known here. */
export const isKnown = (element) => Object.hasOwn(MAKERS, element?.type);

/**
 * The node of an element. `labels` names it for screen readers: `label` (text) or `labelledBy` and
 * `describedBy` (ids). `sends`: whether a change is sent to the app at once.
 */
export function element(description, block, form, labels = {}, sends = true) {
  if (!isKnown(description)) {
    return h("pre", { class: "unknown" }, JSON.stringify(description, null, 2));
  }
  return MAKERS[description.type](description, block, form, labels, sends);
}

function button(description, block, form, labels) {
  const style = description.style ? ` ${description.style}` : "";
  const node = h(
    description.url ? "a" : "button",
    {
      class: `button${style}`,
      type: description.url ? null : "button",
      href: /^https?:/i.test(description.url ?? "") ? description.url : null,
      target: description.url ? "_blank" : null,
      rel: description.url ? "noopener noreferrer" : null,
      "aria-label": description.accessibility_label,
      data: { action: description.action_id ?? "" },
      on: {
        click: (event) => {
          if (node.getAttribute("aria-busy")) {
            event.preventDefault();
            return;
          }
          send(node, description, block, form, { value: description.value });
        },
      },
    },
    h("span", {}, textObject(description.text, form)),
  );
  return framed(node);
}

function overflow(description, block, form) {
  const id = unique("menu");
  const menu = h(
    "div",
    { class: "menu", role: "menu", id, popover: "auto", "aria-label": "More choices" },
    (description.options ?? []).map((option) =>
      h(
        "button",
        {
          type: "button",
          role: "menuitem",
          on: {
            click: () => {
              menu.hidePopover();
              if (/^https?:/i.test(option.url ?? "")) window.open(option.url, "_blank", "noopener");
              send(opener, description, block, form, { selected_option: option });
            },
          },
        },
        textObject(option.text, form),
        option.description ? h("small", {}, textObject(option.description, form)) : null,
      ),
    ),
  );
  const opener = h(
    "button",
    {
      type: "button",
      class: "button overflow",
      "aria-haspopup": "menu",
      "aria-label": "More choices",
      popovertarget: id,
      data: { action: description.action_id },
    },
    icon("more"),
  );
  openBeside(menu, opener);
  return framed(append(h("div", { class: "menu-anchor" }), [opener, menu]));
}

/** Pictures from elsewhere are not loaded: this page asks no other server for anything. */
function image(description) {
  return h(
    "span",
    { class: "picture", title: description.image_url ?? null },
    icon("picture"),
    h("span", {}, description.alt_text || "Picture"),
  );
}
