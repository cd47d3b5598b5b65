// Block Kit's interactive elements (https://docs.slack.dev/reference/block-kit/block-elements).
//
// A `form` is where they live: a message, a modal or App Home.
//   names                       finds users, channels and groups
//   value(block, action)        what has been chosen (Slack's state value), or undefined
//   keep(block, action, value)  remembers what was chosen
//   act(block, element, given)  sends an action; `given` as in Slack's payload; resolves to the error
//                               that Slack would show, or null
//   upload(file)                uploads a file, resolves to its id
//   private                     whether nothing may be sent (a view that is closing)

import { append, fill, h, icon, unique } from "./dom.js";
import { confirmed } from "./dialogs.js";
import { textObject, words } from "./text_objects.js";
import { size } from "./times.js";

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

/** What an element is called that nobody has given a name. */
const KINDS = { datepicker: "Date", timepicker: "Time", datetimepicker: "Date and time", overflow: "More choices", file_input: "File" };

function attributes(description, { label, labelledBy, describedBy, invalid }) {
  return {
    "aria-label": labelledBy ? null : label || description.accessibility_label || words(description.placeholder) || KINDS[description.type],
    "aria-labelledby": labelledBy,
    "aria-describedby": describedBy,
    "aria-invalid": invalid ? "true" : null,
    data: { action: description.action_id },
  };
}

/** Sends an action, shows that it is under way, and shows what went wrong beside the element. */
async function send(node, description, block, form, given) {
  if (description.confirm && !(await confirmed(description.confirm, form))) return false;
  node.classList.add("pending");
  node.setAttribute("aria-busy", "true");
  const problem = await form.act(block, description, given);
  node.classList.remove("pending");
  node.removeAttribute("aria-busy");
  const holder = node.closest(".element") ?? node;
  holder.querySelector(":scope > .ack-problem")?.remove();
  if (problem) {
    holder.append(h("span", { class: "ack-problem", role: "alert" }, icon("warning"), problem));
  }
  return true;
}

function framed(node) {
  return h("div", { class: "element" }, node);
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

/** Puts a popover menu beside its opener, lets arrows move in it. */
export function openBeside(menu, opener) {
  menu.addEventListener("beforetoggle", (event) => {
    // Its size is known only once it is open: until it is in its place, it is not seen.
    if (event.newState === "open") menu.style.visibility = "hidden";
  });
  menu.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    const box = opener.getBoundingClientRect();
    const { width, height } = menu.getBoundingClientRect();
    const below = box.bottom + 4 + height <= window.innerHeight;
    menu.style.top = `${Math.max(8, below ? box.bottom + 4 : box.top - height - 4)}px`;
    menu.style.left = `${Math.max(8, Math.min(box.right - width, window.innerWidth - width - 8))}px`;
    menu.style.visibility = "";
    menu.querySelector("button:not(:disabled)")?.focus();
  });
  menu.addEventListener("keydown", (event) => {
    const items = [...menu.querySelectorAll("button:not(:disabled)")];
    const at = items.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    items[(at + step + items.length) % items.length]?.focus();
  });
}

/** What a select of people, channels or conversations offers: `[value, text]`. */
function listed(description, names) {
  if (/users/.test(description.type)) return names.users().map((user) => [user.id, names.user(user.id)]);
  const channels = names.channels().map((channel) => [channel.id, `#${channel.name}`]);
  return /channels|conversations/.test(description.type) ? channels : [];
}

const SELECTED = { users: "user", conversations: "conversation", channels: "channel" };

function selectedKey(type) {
  const kind = Object.keys(SELECTED).find((name) => type.includes(name));
  if (type.startsWith("multi_")) return kind ? `selected_${kind}` : "selected_options";
  return kind ? `selected_${SELECTED[kind]}` : "selected_option";
}

function allOptions(description) {
  return description.option_groups
    ? description.option_groups.flatMap((group) => group.options)
    : (description.options ?? []);
}

function sameOption(first, second) {
  return first?.value === second?.value;
}

function select(description, block, form, labels, sends) {
  const key = selectedKey(description.type);
  const isList = key !== "selected_option";
  const kept = form.value(block, description.action_id);
  const initial = isList
    ? description[`initial_${key.replace("selected_", "")}`]
    : description.initial_option;
  const chosen = kept ? kept[key] : initial;
  const options = allOptions(description);
  const choice = (option) =>
    h("option", { value: option.value }, words(option.text) + (option.description ? ` – ${words(option.description)}` : ""));
  const node = h(
    "select",
    {
      ...attributes(description, labels),
      on: {
        change: () => {
          const value = isList ? node.value || null : (options.find((option) => option.value === node.value) ?? null);
          form.keep(block, description.action_id, { type: description.type, [key]: value });
          if (sends) send(node, description, block, form, { [key]: value });
        },
      },
    },
    h("option", { value: "" }, words(description.placeholder) || "Choose an option"),
    isList
      ? listed(description, form.names).map(([id, text]) => h("option", { value: id }, text))
      : description.option_groups
        ? description.option_groups.map((group) => h("optgroup", { label: words(group.label) }, group.options.map(choice)))
        : options.map(choice),
  );
  node.value = (isList ? chosen : chosen?.value) ?? "";
  if (chosen && !kept) form.keep(block, description.action_id, { type: description.type, [key]: chosen }, true);
  return framed(node);
}

/** Checkboxes or radio buttons that belong together. */
function choices(description, block, form, labels, { type, options, chosen, onChange }) {
  const name = unique("choice");
  return framed(
    h(
      "div",
      { class: "choices", role: type === "radio" ? "radiogroup" : "group", ...attributes(description, labels) },
      options.map((option) => {
        const id = unique("choice");
        const note = option.description ? unique("note") : null;
        const input = h("input", {
          type,
          name,
          id,
          value: option.value,
          checked: chosen.some((one) => sameOption(one, option)),
          "aria-describedby": note,
          on: { change: () => onChange(option, input.checked) },
        });
        return h(
          "div",
          { class: "choice" },
          input,
          h(
            "div",
            {},
            h("label", { for: id }, textObject(option.text, form)),
            option.description ? h("small", { id: note }, textObject(option.description, form)) : null,
          ),
        );
      }),
    ),
  );
}

function multiSelect(description, block, form, labels, sends) {
  const key = selectedKey(description.type);
  const isList = key !== "selected_options";
  const options = isList
    ? listed(description, form.names).map(([id, text]) => ({ value: id, text }))
    : allOptions(description);
  const given = form.value(block, description.action_id)?.[key] ?? description[key.replace("selected", "initial")] ?? [];
  let chosen = isList ? given.map((id) => ({ value: id })) : given;
  const node = choices(description, block, form, labels, {
    type: "checkbox",
    options,
    chosen,
    onChange: (option, isChosen) => {
      chosen = isChosen ? [...chosen, option] : chosen.filter((one) => !sameOption(one, option));
      const value = isList ? chosen.map((one) => one.value) : chosen;
      form.keep(block, description.action_id, { type: description.type, [key]: value });
      if (sends) send(node, description, block, form, { [key]: value });
    },
  });
  if (given.length) form.keep(block, description.action_id, { type: description.type, [key]: given }, true);
  node.firstElementChild.classList.add("scrolling");
  return node;
}

function radioButtons(description, block, form, labels, sends) {
  const kept = form.value(block, description.action_id);
  const chosen = kept ? kept.selected_option : description.initial_option;
  if (chosen && !kept) form.keep(block, description.action_id, { type: description.type, selected_option: chosen }, true);
  const node = choices(description, block, form, labels, {
    type: "radio",
    options: description.options ?? [],
    chosen: chosen ? [chosen] : [],
    onChange: (option) => {
      form.keep(block, description.action_id, { type: description.type, selected_option: option });
      if (sends) send(node, description, block, form, { selected_option: option });
    },
  });
  return node;
}

function checkboxes(description, block, form, labels, sends) {
  const kept = form.value(block, description.action_id);
  let chosen = (kept ? kept.selected_options : description.initial_options) ?? [];
  if (!kept) form.keep(block, description.action_id, { type: description.type, selected_options: chosen }, true);
  const node = choices(description, block, form, labels, {
    type: "checkbox",
    options: description.options ?? [],
    chosen,
    onChange: (option, isChosen) => {
      const rest = chosen.filter((one) => !sameOption(one, option));
      const ordered = isChosen ? [...rest, option] : rest;
      chosen = (description.options ?? []).filter((one) => ordered.some((other) => sameOption(one, other)));
      form.keep(block, description.action_id, { type: description.type, selected_options: chosen });
      if (sends) send(node, description, block, form, { selected_options: chosen });
    },
  });
  return node;
}

const PICKERS = {
  datepicker: ["date", "selected_date", "initial_date"],
  timepicker: ["time", "selected_time", "initial_time"],
  datetimepicker: ["datetime-local", "selected_date_time", "initial_date_time"],
};

function picker(description, block, form, labels, sends) {
  const [type, key, initialKey] = PICKERS[description.type];
  const isMoment = type === "datetime-local";
  const kept = form.value(block, description.action_id);
  const chosen = kept ? kept[key] : description[initialKey];
  const local = (seconds) => new Date(seconds * 1000 - new Date(seconds * 1000).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  const node = h("input", {
    type,
    value: chosen ? (isMoment ? local(chosen) : chosen) : "",
    ...attributes(description, labels),
    on: {
      change: () => {
        const value = node.value ? (isMoment ? Math.floor(new Date(node.value).getTime() / 1000) : node.value) : null;
        form.keep(block, description.action_id, { type: description.type, [key]: value });
        if (sends) send(node, description, block, form, { [key]: value });
      },
    },
  });
  if (chosen && !kept) form.keep(block, description.action_id, { type: description.type, [key]: chosen }, true);
  return framed(node);
}

const INPUT_TYPES = { email_text_input: "email", url_text_input: "url", number_input: "number" };

function textInput(description, block, form, labels, sends) {
  const isLong = description.multiline;
  const kept = form.value(block, description.action_id);
  const initial = kept ? kept.value : (description.initial_value ?? null);
  if (initial && !kept) form.keep(block, description.action_id, { type: description.type, value: initial }, true);
  const triggers = description.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"];
  const submitted = () => send(node, description, block, form, { value: node.value || null });
  let timer = null;
  const node = h(isLong ? "textarea" : "input", {
    type: isLong ? null : (INPUT_TYPES[description.type] ?? "text"),
    rows: isLong ? 4 : null,
    value: initial ?? "",
    placeholder: words(description.placeholder) || null,
    minlength: description.min_length,
    maxlength: description.max_length,
    min: description.min_value,
    max: description.max_value,
    step: description.type === "number_input" ? (description.is_decimal_allowed ? "any" : 1) : null,
    autofocus: description.focus_on_load,
    autocomplete: "off",
    spellcheck: "false",
    ...attributes(description, labels),
    on: {
      input: () => {
        form.keep(block, description.action_id, { type: description.type, value: node.value || null });
        if (sends && triggers.includes("on_character_entered")) {
          clearTimeout(timer);
          timer = setTimeout(submitted, 300);
        }
      },
      keydown: (event) => {
        if (event.key !== "Enter" || event.isComposing || (isLong && !event.ctrlKey)) return;
        if (sends && triggers.includes("on_enter_pressed")) {
          event.preventDefault();
          submitted();
        }
      },
    },
  });
  return framed(node);
}

function fileInput(description, block, form, labels) {
  const most = description.max_files ?? 10;
  const list = h("ul", { class: "chosen-files" });
  const problem = h("p", { class: "field-error", role: "alert" });
  let files = form.value(block, description.action_id)?.files ?? [];
  const show = () => {
    form.keep(block, description.action_id, { type: "file_input", files });
    fill(
      list,
      files.map((file) =>
        h(
          "li",
          {},
          icon("file"),
          h("span", { class: "file-name" }, file.name),
          h("small", {}, size(file.size)),
          h(
            "button",
            {
              type: "button",
              class: "link",
              "aria-label": `Remove ${file.name}`,
              on: {
                click: () => {
                  files = files.filter((one) => one !== file);
                  show();
                },
              },
            },
            "Remove",
          ),
        ),
      ),
    );
  };
  const take = async (chosen) => {
    fill(problem);
    for (const file of chosen) {
      const ending = file.name.includes(".") ? file.name.split(".").pop().toLowerCase() : "";
      if (files.length >= most) {
        fill(problem, `At most ${most} ${most === 1 ? "file" : "files"} can be uploaded here.`);
      } else if (description.filetypes?.length && !description.filetypes.includes(ending)) {
        fill(problem, `${file.name} is not of a type that is taken here: ${description.filetypes.join(", ")}.`);
      } else if (file.size > 10_000_000) {
        fill(problem, `${file.name} is larger than 10 MB.`);
      } else {
        try {
          const id = await form.upload(file);
          files = [...files, { id, name: file.name, size: file.size }];
        } catch (error) {
          fill(problem, error.message);
        }
      }
    }
    show();
  };
  const input = h("input", {
    type: "file",
    multiple: most > 1,
    ...attributes(description, labels),
    on: {
      change: async () => {
        await take([...input.files]);
        input.value = "";
      },
    },
  });
  const zone = h("div", { class: "drop-zone" }, input, h("span", {}, "or drop files here"));
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    take([...event.dataTransfer.files]);
  });
  show();
  return framed(h("div", { class: "file-input" }, zone, list, problem));
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
