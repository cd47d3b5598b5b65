// Beside the conversation: places to try, what goes between the app and Slack, and faults to order.

import * as api from "./api.js";
import { toast } from "./dialogs.js";
import { fill, h, iconButton, unique } from "./dom.js";
import { precise } from "./times.js";

const SHOWN_ENTRIES = 300;

/** The list of places; `write` puts a line into the composer. */
export function placesPanel(places, { write, close }) {
  return h(
    "aside",
    { class: "side places", "aria-label": "Places to try" },
    h("header", {}, h("h2", {}, "Places to try"), iconButton("close", "Close", close)),
    h(
      "div",
      { class: "side-body" },
      h("p", { class: "hint" }, "Real servers on this machine. Choose one to write its line, then press Enter. A host of your own works just the same."),
      h(
        "ul",
        { class: "place-list" },
        places.map((place) =>
          h(
            "li",
            {},
            h("button", { type: "button", class: "place", on: { click: () => write(place.line) } }, h("code", {}, place.line), h("span", {}, place.shows)),
          ),
        ),
      ),
    ),
  );
}

/** The drawer that shows requests, envelopes and acknowledgements. */
export class LogPanel {
  constructor(store, close) {
    this.store = store;
    this._rows = h("tbody");
    this._filter = h("input", { type: "search", placeholder: "Filter", "aria-label": "Filter", on: { input: () => this.show() } });
    this._body = h(
      "div",
      { class: "drawer-body", tabindex: "0", role: "region", "aria-label": "Requests" },
      h("table", { class: "log" }, h("thead", {}, h("tr", {}, ["Time", "What", "Name", "Result"].map((title) => h("th", { scope: "col" }, title)))), this._rows),
    );
    this.node = h(
      "section",
      { class: "drawer", "aria-label": "Requests between the app and Slack" },
      h("header", {}, h("h2", {}, "Requests between the app and Slack"), this._filter, iconButton("close", "Close", close)),
      this._body,
    );
    this._listener = (event) => this._add(event.detail.entry);
    store.addEventListener("log", this._listener);
    this._load();
  }

  async _load() {
    // What happens before the answer is there may be missing in it.
    const since = [];
    const keep = (event) => since.push(event.detail.entry);
    this.store.addEventListener("log", keep);
    try {
      const found = await api.get("log");
      const known = new Set(found.map((entry) => JSON.stringify(entry)));
      this.store.log = [...found, ...since.filter((entry) => !known.has(JSON.stringify(entry)))];
    } catch (error) {
      toast(error.message, { isProblem: true });
    } finally {
      this.store.removeEventListener("log", keep);
    }
    this.show();
  }

  close() {
    this.store.removeEventListener("log", this._listener);
  }

  show() {
    const wanted = this._filter.value.toLowerCase();
    const entries = this.store.log.filter((entry) => !wanted || JSON.stringify(entry).toLowerCase().includes(wanted));
    fill(this._rows, entries.slice(-SHOWN_ENTRIES).map(logRow));
    this._body.scrollTop = this._body.scrollHeight;
  }

  _add(entry) {
    const wanted = this._filter.value.toLowerCase();
    if (wanted && !JSON.stringify(entry).toLowerCase().includes(wanted)) return;
    const isAtEnd = this._body.scrollHeight - this._body.scrollTop - this._body.clientHeight < 40;
    this._rows.append(logRow(entry));
    if (this._rows.childElementCount > SHOWN_ENTRIES) this._rows.firstElementChild.remove();
    if (isAtEnd) this._body.scrollTop = this._body.scrollHeight;
  }
}

const DIRECTIONS = { request: "app → Slack", envelope: "Slack → app", acknowledgement: "app → Slack" };

function logRow(entry) {
  const { kind, at, ...rest } = entry;
  const isBad = entry.ok === false || Boolean(entry.error) || entry.dropped;
  const seconds = typeof entry.seconds === "number" ? `${Math.round(entry.seconds * 1000)} ms` : null;
  const outcome = entry.error ?? (entry.dropped ? "dropped" : entry.late ? "too late" : (seconds ?? (entry.ok ? "ok" : "")));
  return h(
    "tr",
    { class: isBad ? "bad" : null },
    h("td", {}, precise(at)),
    h("td", {}, kind.replaceAll("_", " "), DIRECTIONS[kind] ? h("small", {}, ` ${DIRECTIONS[kind]}`) : null),
    h("td", {}, h("details", {}, h("summary", {}, entryName(entry)), h("pre", {}, JSON.stringify(rest, null, 2)))),
    h("td", {}, outcome),
  );
}

/** What an entry is about, in a few words. */
function entryName(entry) {
  const payload = entry.payload ?? {};
  const about =
    payload.command ?? payload.event?.type ?? payload.actions?.[0]?.action_id ?? payload.callback_id ?? payload.view?.callback_id;
  return [entry.method ?? entry.type ?? entry.event ?? entry.envelope_id?.slice(0, 8) ?? entry.kind, about].filter(Boolean).join(" ");
}

const KINDS = {
  latency: "Slack answers late",
  ratelimited: "Rate limit (429 with Retry-After)",
  server_error: "Slack fails (500)",
  error: "Slack answers with an error",
  truncated: "Half of the answer is missing",
  reset_before: "Connection lost before the request was done",
  reset_after: "Done, but the answer is lost",
  drop_ack: "An acknowledgement is not heard",
  lose_share: "An uploaded file is never shared",
  delay_share: "An uploaded file is shared late",
};

/** The drawer in which faults are ordered. */
export class FaultsPanel {
  constructor(store, close) {
    this.store = store;
    this._list = h("ul", { class: "fault-list" });
    const fields = {
      kind: h("select", {}, Object.entries(KINDS).map(([kind, text]) => h("option", { value: kind }, text))),
      method: h("input", { type: "text", value: "*", spellcheck: "false", autocomplete: "off" }),
      count: h("input", { type: "number", min: 1, value: 1 }),
      seconds: h("input", { type: "number", min: 0, step: "any", value: 5 }),
      code: h("input", { type: "text", value: "internal_error", spellcheck: "false", autocomplete: "off" }),
    };
    const labelled = (text, field) => {
      field.id = unique("fault");
      return h("div", { class: "fault-field" }, h("label", { for: field.id }, text), field);
    };
    const order = async (event) => {
      event.preventDefault();
      await this._send({
        kind: fields.kind.value,
        method: fields.method.value.trim() || "*",
        count: Number(fields.count.value) || null,
        seconds: Number(fields.seconds.value),
        code: fields.code.value.trim(),
      });
    };
    this.node = h(
      "section",
      { class: "drawer", "aria-label": "Faults" },
      h("header", {}, h("h2", {}, "Faults: what goes wrong with Slack, on purpose"), iconButton("close", "Close", close)),
      h(
        "div",
        { class: "drawer-body" },
        h(
          "form",
          { class: "fault-form", on: { submit: order } },
          labelled("What goes wrong", fields.kind),
          labelled("Method (* for any)", fields.method),
          labelled("How often", fields.count),
          labelled("Seconds", fields.seconds),
          labelled("Error code", fields.code),
          h("button", { type: "submit", class: "button primary" }, "Order"),
          h("button", { type: "button", class: "button", on: { click: () => this._send({ clear: true }) } }, "Clear all"),
        ),
        this._list,
      ),
    );
    this._listener = () => this.show();
    store.addEventListener("faults", this._listener);
    store.addEventListener("reset", this._listener);
    this.show();
  }

  close() {
    this.store.removeEventListener("faults", this._listener);
    this.store.removeEventListener("reset", this._listener);
  }

  async _send(body) {
    try {
      const answer = await api.post("faults", body);
      if (answer.faults) this.store.faults = answer.faults;
      this.show();
    } catch (error) {
      toast(error.message, { isProblem: true });
    }
  }

  show() {
    fill(
      this._list,
      this.store.faults.length
        ? this.store.faults.map((fault) =>
            h("li", {}, h("b", {}, KINDS[fault.kind] ?? fault.kind), `, ${fault.method === "*" ? "any method" : fault.method}, ${fault.count === null ? "until cleared" : `${fault.count} × to come`}`),
          )
        : h("li", { class: "empty" }, "Everything works."),
    );
  }
}
