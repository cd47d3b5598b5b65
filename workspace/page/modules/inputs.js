// Elements into which something is typed or dropped.

import { fill, h, icon } from "./dom.js";
import { attributes, framed, send } from "./element_parts.js";
import { words } from "./text_objects.js";
import { size } from "./times.js";

const INPUT_TYPES = { email_text_input: "email", url_text_input: "url", number_input: "number" };

export function textInput(description, block, form, labels, sends) {
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

export function fileInput(description, block, form, labels) {
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
