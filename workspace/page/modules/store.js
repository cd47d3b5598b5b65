// What this page knows of the workspace, as the person sees it who is chosen.

import * as api from "./api.js";

const LOG_KEPT = 1000;
const READ_DELAY = 300;

/**
 * Sends `reset` (somebody else, or everything anew), `channels`, `message`, `views`, `home`, `log`,
 * `faults`, `connection`, `problem`.
 */
export class Store extends EventTarget {
  constructor() {
    super();
    this.me = null;
    this.team = null;
    this.app = null;
    this.people = [];
    this.places = [];
    this.links = [];
    this.users = new Map();
    this.groups = new Map();
    this.channels = new Map();
    this.messages = new Map();
    this.views = [];
    this.home = null;
    this.log = [];
    this.faults = [];
    this.isConnected = false;
    this._stop = null;
    this._forms = new Map();
    this._seen = new Map();
    this._isAsking = false;
    this._mustAskAgain = false;
    this._seeing = null;
    this.names = {
      user: (id) => nameOf(this.users.get(id)),
      users: () => [...this.users.values()].filter((user) => !user.is_bot && user.id !== "USLACKBOT"),
      channel: (id) => this.channels.get(id)?.name ?? null,
      channels: () => [...this.channels.values()].filter((channel) => channel.kind !== "im"),
      group: (id) => this.groups.get(id)?.handle ?? null,
    };
  }

  _tell(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** Learns who is there and what may be tried, and becomes `user` (an id), or the first person. */
  async begin(user) {
    const [people, offers] = await Promise.all([api.get("people"), api.get("offers")]);
    this.places = offers.places;
    this.links = offers.links;
    const known = people.some((person) => person.id === user) ? user : people[0].id;
    await this.become(known, (state) => {
      // Those of a team with which this person shares nothing live in another story.
      const met = new Set(state.users.map((one) => one.id));
      this.people = people.filter((person) => met.has(person.id));
    });
  }

  /** Becomes `user`; `first` sees the snapshot before anybody hears of it. */
  async become(user, first = () => {}) {
    const state = await api.get("state", { user });
    first(state);
    this._stop?.();
    this._take(state);
    this._seen.clear();
    this._tell("reset");
    this._stop = api.follow(
      user,
      (event) => this._happened(event),
      (isOpen) => {
        if (this.me.id !== user) return;
        this.isConnected = isOpen;
        this._tell("connection");
        // What happened before the stream was open, or while it was down.
        if (isOpen) this.refresh();
      },
    );
  }

  _take(state) {
    this.users = new Map(state.users.map((user) => [user.id, user]));
    this.me = this.users.get(state.user);
    this.team = state.team;
    this.app = state.app.bot_user_id ? state.app : null;
    this.groups = new Map(state.groups.map((group) => [group.id, group]));
    this.channels = new Map(state.channels.map((channel) => [channel.id, channel]));
    this.messages = new Map(
      state.channels.map((channel) => [channel.id, new Map(channel.messages.map((message) => [message.ts, message]))]),
    );
    this.views = state.views;
    this.home = state.home;
    this.faults = state.faults;
  }

  _happened(event) {
    if (event.type === "log") {
      this.log.push(event.entry);
      if (this.log.length > LOG_KEPT) this.log.shift();
      this._tell("log", { entry: event.entry });
      // A fault is used up by a request; nobody tells of it.
      if (this.faults.length) this.refresh();
    } else if (event.type === "ack_failed") {
      this._tell("problem", event);
    } else if (event.messages && this.channels.has(event.channel)) {
      this._heard(event);
    } else if (event.type !== "file") {
      this.refresh();
    }
  }

  /** Takes what the stream tells about messages. A snapshot that is on its way may be older. */
  _heard({ type, channel, ts, messages }) {
    if (this._isAsking) this._mustAskAgain = true;
    const known = this.messages.get(channel);
    for (const message of messages) {
      const isNew = !known.has(message.ts);
      if (!isNew && same(known.get(message.ts), message)) continue;
      known.set(message.ts, message);
      this._tell("message", { channel, ts: message.ts, message, isNew });
    }
    if (type === "message_deleted" && known.delete(ts)) this._tell("message", { channel, ts, message: null });
  }

  /** Asks for everything again and tells what is different; many calls at once ask only twice. */
  async refresh() {
    if (this._isAsking) {
      this._mustAskAgain = true;
      return;
    }
    this._isAsking = true;
    try {
      do {
        this._mustAskAgain = false;
        const asked = this.me.id;
        const state = await api.get("state", { user: asked });
        if (this.me.id === asked) this._compare(state);
      } while (this._mustAskAgain);
    } catch (error) {
      this._tell("problem", { message: error.message });
    } finally {
      this._isAsking = false;
    }
  }

  _compare(state) {
    const before = { messages: this.messages, channels: this._outline(), views: this.views, home: this.home, faults: this.faults };
    this._take(state);
    for (const [channel, messages] of this.messages) {
      const old = before.messages.get(channel) ?? new Map();
      for (const ts of old.keys()) {
        if (!messages.has(ts)) this._tell("message", { channel, ts, message: null });
      }
      for (const [ts, message] of messages) {
        if (!same(old.get(ts), message)) this._tell("message", { channel, ts, message, isNew: !old.has(ts) });
      }
    }
    if (!same(before.channels, this._outline())) this._tell("channels");
    if (!same(before.views, this.views)) this._tell("views");
    if (!same(before.home, this.home)) this._tell("home");
    if (!same(before.faults, this.faults)) this._tell("faults");
  }

  _outline() {
    return [...this.channels.values()].map(({ messages, ...rest }) => rest);
  }

  /** How many messages of the channel this person has not seen; in threads those that mention them. */
  unread(channel) {
    const seen = this._seen.get(channel) ?? this.channels.get(channel)?.read ?? "";
    const all = [...(this.messages.get(channel)?.values() ?? [])];
    const counts = (message) => belongs(message, null) || (message.notifies ?? []).includes(this.me.id);
    return all.filter((message) => message.ts > seen && message.user !== this.me.id && counts(message)).length;
  }

  /** The person has seen everything in the channel. */
  see(channel) {
    const last = [...(this.messages.get(channel)?.keys() ?? [])].sort().at(-1);
    if (!last || this._seen.get(channel) === last) return;
    this._seen.set(channel, last);
    this._tell("channels");
    clearTimeout(this._seeing);
    const user = this.me.id;
    this._seeing = setTimeout(() => {
      // If it fails, messages count as unread again after a reload: no more than that.
      api.post("read", { user, channel, ts: last }).catch(() => {});
    }, READ_DELAY);
  }

  /** The messages of a channel (roots and broadcasts) or of a thread, oldest first. */
  list(channel, root = null) {
    const all = [...(this.messages.get(channel)?.values() ?? [])].sort((a, b) => Number(a.ts) - Number(b.ts));
    return all.filter((message) => belongs(message, root));
  }

  /** The direct message with the app. */
  appChannel() {
    return [...this.channels.values()].find((channel) => channel.kind === "im" && channel.with === this.app?.bot_user_id) ?? null;
  }

  isMine(message) {
    return message.user === this.me.id && !message.bot_id;
  }

  /**
   * Where the elements of `container` live (elements.js says what a form is); `key` names it, and
   * what was chosen in it is kept as long as the page.
   */
  form(key, container, notifies = null) {
    if (!this._forms.has(key)) this._forms.set(key, {});
    const values = this._forms.get(key);
    return {
      names: this.names,
      notifies,
      state: () => values,
      value: (block, action) => values[block]?.[action],
      keep: (block, action, value, isInitial = false) => {
        if (isInitial && values[block]?.[action]) return;
        values[block] = { ...values[block], [action]: value };
      },
      upload: (file) => api.upload(this.me.id, file),
      act: async (block, element, given) => {
        try {
          await api.post("action", {
            user: this.me.id,
            container,
            block_id: block,
            action_id: element.action_id,
            ...given,
            state: values,
          });
          return null;
        } catch (error) {
          return error.message;
        }
      },
    };
  }

  /** Forgets what was chosen in blocks that a message or view no longer has. */
  trim(key, blocks) {
    const values = this._forms.get(key);
    if (!values) return;
    const kept = new Set(blocks.map((block) => block.block_id));
    for (const block of Object.keys(values)) if (!kept.has(block)) delete values[block];
  }
}

export function nameOf(user) {
  return user ? user.real_name || user.name || user.id : null;
}

export function isReply(message) {
  return Boolean(message.thread_ts) && message.thread_ts !== message.ts;
}

/** Whether the message is shown in the thread `root`, or in the channel itself if that is null. */
export function belongs(message, root) {
  if (root) return message.ts === root || message.thread_ts === root;
  return !isReply(message) || message.subtype === "thread_broadcast";
}

function same(first, second) {
  return JSON.stringify(first) === JSON.stringify(second);
}
