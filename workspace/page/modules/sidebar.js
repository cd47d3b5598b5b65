// The workspace's name, its conversations, and who one is.

import { fill, h, icon, iconButton } from "./dom.js";
import { avatar } from "./people.js";
import { nameOf } from "./store.js";

/** The sidebar. `go`: what its entries do (`channel`, `home`, `become`, `panel`, `theme`). */
export class Sidebar {
  constructor(store, go) {
    this.store = store;
    this.go = go;
    this.node = h("nav", { class: "sidebar", id: "sidebar", "aria-label": "Workspace" });
  }

  /** Shows everything; `place` is what is open: `{channel, isHome, panels}`. */
  show({ channel, isHome, panels }) {
    const { store, go } = this;
    const focused = this.node.contains(document.activeElement) ? document.activeElement.dataset.entry : null;
    const all = [...store.channels.values()];
    const channels = all.filter((one) => one.kind !== "im").sort((a, b) => a.name.localeCompare(b.name));
    const others = all.filter((one) => one.kind === "im" && one.with !== store.app?.bot_user_id);
    const app = store.appChannel();
    fill(
      this.node,
      h("header", { class: "workspace-name" }, h("h1", {}, store.team.name), h("span", { class: store.isConnected ? "online" : "offline", role: "status" }, store.isConnected ? "" : "Not connected")),
      h(
        "div",
        { class: "sidebar-scroll" },
        section("Channels", channels.map((one) => this._entry(one, !isHome && channel === one.id))),
        others.length ? section("Direct messages", others.map((one) => this._entry(one, !isHome && channel === one.id))) : null,
        store.app
          ? section("Apps", [
              entry({
                name: "app",
                isCurrent: isHome || (app && channel === app.id),
                mark: avatar(null, true),
                text: store.app.name,
                unread: app ? store.unread(app.id) : 0,
                onClick: () => go.app(),
              }),
            ])
          : null,
      ),
      h(
        "div",
        { class: "tools" },
        tool("compass", "Places to try", panels.places, () => go.panel("places"), store.places.length),
        tool("list", "Requests", panels.log, () => go.panel("log"), true),
        tool("warning", "Faults", panels.faults, () => go.panel("faults"), true),
        store.links.map(link),
      ),
      this._people(),
    );
    if (focused) this.node.querySelector(`[data-entry="${CSS.escape(focused)}"]`)?.focus();
  }

  _entry(channel, isCurrent) {
    const { store, go } = this;
    const user = channel.kind === "im" ? store.users.get(channel.with) : null;
    return entry({
      name: channel.id,
      isCurrent,
      mark: channel.kind === "im" ? avatar(user) : icon(channel.kind === "group" ? "lock" : "hash"),
      text: channel.kind === "im" ? nameOf(user) : channel.name,
      note: channel.is_shared ? "Shared with another company" : null,
      unread: store.unread(channel.id),
      onClick: () => go.channel(channel.id),
    });
  }

  _people() {
    const { store, go } = this;
    return h(
      "div",
      { class: "people" },
      h("p", { id: "people-label" }, "You are"),
      h(
        "div",
        { role: "group", "aria-labelledby": "people-label", class: "people-list" },
        store.people.map((user) => {
          const isMe = user.id === store.me.id;
          return h(
            "button",
            { type: "button", class: "person", "aria-pressed": String(isMe), data: { entry: `person-${user.id}`, person: user.name }, title: role(user, store), on: { click: () => go.become(user.id) } },
            avatar(user),
            h("span", {}, nameOf(user), user.team === store.people[0].team ? null : h("small", {}, user.team)),
          );
        }),
      ),
      iconButton(document.documentElement.dataset.theme === "dark" ? "sun" : "moon", "Switch between light and dark", () => go.theme(), { class: "icon-button theme", "data-entry": "theme" }),
    );
  }
}

function role(user, store) {
  const groups = [...store.groups.values()].filter((group) => group.members.includes(user.id)).map((group) => `@${group.handle}`);
  return [nameOf(user), user.team, ...groups].join(", ");
}

function section(title, entries) {
  return h("section", {}, h("h2", {}, title), h("ul", {}, entries.map((one) => h("li", {}, one))));
}

function entry({ name, isCurrent, mark, text, note, unread, onClick }) {
  return h(
    "button",
    { type: "button", class: unread ? "entry unread" : "entry", "aria-current": isCurrent ? "page" : null, title: note, data: { entry: name }, on: { click: onClick } },
    h("span", { class: "entry-mark" }, mark),
    h("span", { class: "entry-text" }, text),
    note ? h("span", { class: "shared-mark", role: "img", "aria-label": note }, icon("shared")) : null,
    unread ? h("span", { class: "count", "aria-label": `${unread} unread` }, unread) : null,
  );
}

/** Another page, in a tab of its own. */
function link({ title, url }) {
  return h("a", { class: "entry", href: url, target: "_blank", rel: "noopener", data: { entry: `link-${title}` } }, h("span", { class: "entry-mark" }, icon("external")), h("span", { class: "entry-text" }, title));
}

function tool(mark, text, isOpen, onClick, isThere) {
  if (!isThere) return null;
  return h("button", { type: "button", class: "entry", "aria-pressed": String(Boolean(isOpen)), data: { entry: `tool-${text}` }, on: { click: onClick } }, h("span", { class: "entry-mark" }, icon(mark)), h("span", { class: "entry-text" }, text));
}
