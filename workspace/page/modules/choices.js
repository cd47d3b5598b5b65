// Elements in which something is chosen: selects, checkboxes, radio buttons, dates and times.

import { h, unique } from "./dom.js";
import { attributes, framed, send } from "./element_parts.js";
import { textObject, words } from "./text_objects.js";

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

export function select(description, block, form, labels, sends) {
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

export function multiSelect(description, block, form, labels, sends) {
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

export function radioButtons(description, block, form, labels, sends) {
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

export function checkboxes(description, block, form, labels, sends) {
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

export function picker(description, block, form, labels, sends) {
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
