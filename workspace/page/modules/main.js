// Puts the page together: what is open, what belongs to it, and what the address says.

import * as api from "./api.js";
import { Composer } from "./composer.js";
import { announce, toast } from "./dialogs.js";
import { fill, h, icon, iconButton } from "./dom.js";
import { MessageList } from "./message_list.js";
import { FaultsPanel, LogPanel, placesPanel } from "./panels.js";
import { Sidebar } from "./sidebar.js";
import { nameOf, Store } from "./store.js";
import { Modals, homeNode } from "./views.js";

class Page {
  constructor() {
    this.store = new Store();
    this.channel = null;
    this.thread = null;
    this.isHome = false;
    this.asksForPlaces = false;
    this.panels = { places: true, log: false, faults: false };
    this.sidebar = new Sidebar(this.store, {
      channel: (id) => this.open({ channel: id }),
      app: () => this.openApp(),
      become: (id) => this.become(id),
      panel: (name) => this.togglePanel(name),
      theme: () => this.switchTheme(),
    });
    this.root = document.getElementById("page");
    this.main = h("main", { class: "main" });
    this.side = h("div", { class: "side-slot" });
    this.drawer = h("div", { class: "drawer-slot" });
    this._parts = [];
    this._drawerPart = null;
  }

  async start() {
    theme(localStorage.getItem("theme"));
    const { store } = this;
    const asked = new URLSearchParams(location.hash.slice(1));
    fill(this.root, this.sidebar.node, h("div", { class: "centre" }, this.main, this.drawer), this.side);
    await store.begin(asked.get("user"));
    new Modals(store).show();
    store.addEventListener("reset", () => this.becameOther());
    store.addEventListener("connection", () => this.showSidebar());
    store.addEventListener("channels", () => this.showSidebar());
    store.addEventListener("home", () => this.isHome && this.showHome());
    store.addEventListener("message", (event) => this.heard(event.detail));
    store.addEventListener("problem", (event) => toast(event.detail.message ?? event.detail.error, { isProblem: true }));
    window.addEventListener("hashchange", () => this.followAddress());
    window.addEventListener("keydown", (event) => this.keyPressed(event));
    document.addEventListener("click", (event) => this.clicked(event));
    this.followAddress(true);
  }

  /** Opens what the address names, or the first channel. */
  followAddress(isFirst = false) {
    const asked = new URLSearchParams(location.hash.slice(1));
    if (!isFirst && asked.get("user") && asked.get("user") !== this.store.me.id) {
      this.become(asked.get("user"), asked);
      return;
    }
    const wanted = asked.get("channel");
    if (asked.get("home") && this.store.appChannel()) {
      if (!this.isHome) this.openApp();
      return;
    }
    const known = this.store.channels.has(wanted) ? wanted : this.firstChannel();
    const thread = asked.get("thread");
    if (!isFirst && !this.isHome && known === this.channel && thread === this.thread) return;
    this.open({ channel: known, thread });
  }

  firstChannel() {
    const channels = [...this.store.channels.values()].filter((one) => one.kind !== "im");
    const mine = channels.filter((one) => one.is_member);
    return (mine.find((one) => one.name !== "general") ?? mine[0] ?? channels[0])?.id ?? null;
  }

  writeAddress() {
    const parts = { user: this.store.me.id, channel: this.channel };
    if (this.isHome) parts.home = "1";
    if (this.thread) parts.thread = this.thread;
    const address = `#${new URLSearchParams(parts)}`;
    if (address !== location.hash) history.replaceState(null, "", address);
    document.title = `${this.title()} – ${this.store.team.name}`;
  }

  title() {
    if (this.isHome) return this.store.app.name;
    const channel = this.store.channels.get(this.channel);
    if (!channel) return "Workspace";
    return channel.kind === "im" ? nameOf(this.store.users.get(channel.with)) : `#${channel.name}`;
  }

  async become(user) {
    try {
      await this.store.become(user);
      announce(`You are ${nameOf(this.store.me)} now.`);
    } catch (error) {
      toast(error.message, { isProblem: true });
    }
  }

  /** The same channel and thread are shown to the other person, who may not see this one. */
  becameOther() {
    if (this.isHome && this.store.appChannel()) {
      this.openApp();
      return;
    }
    const channel = this.store.channels.get(this.channel);
    const stays = channel && channel.kind !== "im";
    this.open({ channel: stays ? this.channel : this.firstChannel(), thread: stays ? this.thread : null });
  }

  open({ channel, thread = null }) {
    this.isHome = false;
    this.channel = channel;
    this.thread = thread;
    this.showMain();
    this.showSide();
    this.store.see(channel);
    this.showSidebar();
    this.writeAddress();
    document.body.classList.remove("sidebar-open");
  }

  async openApp() {
    const channel = this.store.appChannel();
    this.isHome = true;
    this.channel = channel?.id ?? this.channel;
    this.thread = null;
    this.showMain();
    this.showSide();
    this.showSidebar();
    this.writeAddress();
    document.body.classList.remove("sidebar-open");
    try {
      await api.post("home", { user: this.store.me.id });
    } catch (error) {
      toast(error.message, { isProblem: true });
    }
  }

  openThread(root) {
    this.thread = root;
    this.showSide();
    this.writeAddress();
    this.threadComposer?.focus();
  }

  closeThread() {
    this.thread = null;
    this.showSide();
    this.writeAddress();
    this.composer?.focus();
  }

  _end(name) {
    this._parts = this._parts.filter((part) => {
      if (part.name === name) part.list.close();
      return part.name !== name;
    });
  }

  /** Once a frame is enough, however much happens. */
  showSidebar() {
    this._sidebarFrame ??= requestAnimationFrame(() => {
      this._sidebarFrame = null;
      this._showSidebarNow();
    });
  }

  _showSidebarNow() {
    this.sidebar.show({
      channel: this.channel,
      isHome: this.isHome,
      panels: { ...this.panels, places: this.showsPlaces() && !this.thread },
    });
  }

  showMain() {
    this._end("main");
    const { store } = this;
    const channel = store.channels.get(this.channel);
    const isApp = channel?.kind === "im" && channel.with === store.app?.bot_user_id;
    const head = h(
      "header",
      { class: "main-head" },
      iconButton("menu", "Show the sidebar", () => document.body.classList.toggle("sidebar-open"), { class: "icon-button sidebar-toggle", "aria-controls": "sidebar" }),
      h("h2", {}, channel && channel.kind !== "im" ? icon(channel.kind === "group" ? "lock" : "hash") : null, this.title().replace(/^#/, "")),
      channel?.topic ? h("span", { class: "topic" }, channel.topic) : null,
      channel?.is_shared ? h("span", { class: "badge external" }, "SHARED") : null,
    );
    const tabs = isApp || this.isHome
      ? h(
          "div",
          { class: "tabs", role: "tablist", "aria-label": store.app.name },
          tab("Home", this.isHome, () => this.openApp()),
          tab("Messages", !this.isHome, () => this.open({ channel: store.appChannel().id })),
        )
      : null;
    this.composer = null;
    if (this.isHome) {
      this.homePlace = h("div", { class: "scroller home-scroller", tabindex: "0", role: "tabpanel", "aria-label": "Home" });
      fill(this.main, head, tabs, this.homePlace);
      this.showHome();
      return;
    }
    if (!channel) {
      fill(this.main, head, h("p", { class: "empty" }, "There is no channel here."));
      return;
    }
    const list = new MessageList({ store, channel: channel.id, openThread: (root) => this.openThread(root) });
    this._parts.push({ name: "main", list });
    if (!channel.is_member) {
      fill(this.main, head, list.node, this.joinNode(channel));
      list.toEnd();
      return;
    }
    this.composer = new Composer({ store, channel: channel.id, label: `Message ${this.title()}` });
    fill(this.main, head, tabs, list.node, this.composer.node);
    dropInto(this.main, this.composer);
    list.toEnd();
    this.composer.focus();
  }

  joinNode(channel) {
    const join = async () => {
      try {
        await api.post("join", { user: this.store.me.id, channel: channel.id });
        await this.store.refresh();
        this.open({ channel: channel.id });
      } catch (error) {
        toast(error.message, { isProblem: true });
      }
    };
    return h(
      "div",
      { class: "join" },
      h("p", {}, `You are not in #${channel.name}.`),
      h("button", { type: "button", class: "button primary", on: { click: join } }, "Join the channel"),
    );
  }

  showHome() {
    const focused = document.activeElement?.closest?.("[data-action]")?.dataset.action;
    fill(this.homePlace, homeNode(this.store));
    if (focused) this.homePlace.querySelector(`[data-action="${CSS.escape(focused)}"]`)?.focus();
  }

  /** In a narrow window the places are shown only when they were asked for. */
  showsPlaces() {
    const isWide = window.matchMedia("(min-width: 1151px)").matches;
    return this.store.places.length > 0 && this.panels.places && (isWide || this.asksForPlaces);
  }

  showSide() {
    this._end("thread");
    this.threadComposer = null;
    const { store } = this;
    document.body.classList.toggle("has-side", Boolean(this.thread || this.asksForPlaces));
    if (this.thread) {
      const list = new MessageList({ store, channel: this.channel, root: this.thread });
      this._parts.push({ name: "thread", list });
      this.threadComposer = new Composer({ store, channel: this.channel, root: this.thread, label: "Reply …" });
      const pane = h(
        "aside",
        { class: "side thread", "aria-label": "Thread" },
        h("header", {}, h("h2", {}, "Thread"), h("span", { class: "topic" }, this.title()), iconButton("close", "Close the thread", () => this.closeThread())),
        list.node,
        this.threadComposer.node,
      );
      dropInto(pane, this.threadComposer);
      fill(this.side, pane);
      list.toEnd();
    } else if (this.showsPlaces()) {
      fill(
        this.side,
        placesPanel(store.places, {
          write: (line) => {
            if (!this.composer) this.open({ channel: this.firstChannel() });
            this.composer.write(line);
            // It may lie over the composer.
            if (this.asksForPlaces && !window.matchMedia("(min-width: 1151px)").matches) this.togglePanel("places");
            this.composer.focus();
          },
          close: () => this.togglePanel("places"),
        }),
      );
    } else {
      fill(this.side);
    }
  }

  togglePanel(name) {
    if (name === "places") {
      const opens = Boolean(this.thread) || !this.showsPlaces();
      this.panels.places = opens;
      this.asksForPlaces = opens;
      this.thread = null;
      document.body.classList.remove("sidebar-open");
      this.showSide();
      this.writeAddress();
    } else {
      const opens = !this.panels[name];
      this.panels.log = false;
      this.panels.faults = false;
      this.panels[name] = opens;
      this._drawerPart?.close();
      this._drawerPart = null;
      const close = () => this.togglePanel(name);
      if (opens) this._drawerPart = name === "log" ? new LogPanel(this.store, close) : new FaultsPanel(this.store, close);
      fill(this.drawer, this._drawerPart?.node);
    }
    this.showSidebar();
  }

  switchTheme() {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    localStorage.setItem("theme", next);
    theme(next);
    this.showSidebar();
  }

  heard({ channel, message, isNew }) {
    if (isNew && channel === this.channel && !this.isHome && document.visibilityState === "visible") this.store.see(channel);
    if (isNew || !message) this.showSidebar();
  }

  keyPressed(event) {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    if (document.querySelector("dialog[open], [popover]:popover-open, .edit")) return;
    if (document.body.classList.contains("sidebar-open")) document.body.classList.remove("sidebar-open");
    else if (this.thread) this.closeThread();
  }

  clicked(event) {
    const place = linkedPlace(event.target.closest?.("a")?.href);
    if (place && this.store.channels.has(place.channel)) {
      event.preventDefault();
      this.open(place);
      return;
    }
    const channel = event.target.closest?.("[data-channel]")?.dataset.channel;
    if (channel && this.store.channels.has(channel)) this.open({ channel });
    if (document.body.classList.contains("sidebar-open") && !event.target.closest(".sidebar, .sidebar-toggle")) {
      document.body.classList.remove("sidebar-open");
    }
  }
}

/** The channel and thread that a permalink of this workspace leads to, or null. */
function linkedPlace(address) {
  if (!address?.startsWith(`${location.origin}/archives/`)) return null;
  const url = new URL(address);
  const [, channel, seconds, rest] = /^\/archives\/(\w+)\/p(\d+)(\d{6})$/.exec(url.pathname) ?? [];
  return channel ? { channel, thread: url.searchParams.get("thread_ts") ?? `${seconds}.${rest}` } : null;
}

function tab(text, isSelected, onClick) {
  return h("button", { type: "button", role: "tab", "aria-selected": String(isSelected), on: { click: onClick } }, text);
}

/** Files that are dropped anywhere on `node` go to its composer. */
function dropInto(node, composer) {
  node.ondragover = (event) => event.preventDefault();
  node.ondrop = (event) => {
    if (event.defaultPrevented || !event.dataTransfer.files.length) return;
    event.preventDefault();
    composer.attach([...event.dataTransfer.files]);
  };
}

/** `light`, `dark`, or as the system says. */
function theme(chosen) {
  const system = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  document.documentElement.dataset.theme = ["light", "dark"].includes(chosen) ? chosen : system;
}

new Page().start().catch((error) => {
  fill(document.getElementById("page"), h("p", { class: "empty", role: "alert" }, `The workspace cannot be shown: ${error.message}`));
});
