"""A Slack workspace on this machine: as strict as Slack, with a page and without an account.

It stands in for Slack towards one app. The app speaks to it over HTTP and WebSocket with an
unmodified `slack_sdk` and Bolt; people use the page, tests use `Person`. It knows nothing of the app
but its manifest.

    async with Workspace(manifest) as workspace:
        client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
        app = AsyncApp(client=client, signing_secret=workspace.signing_secret)
        ...
        await AsyncSocketModeHandler(app, workspace.app_token).connect_async()
        await workspace.wait_connected()
        rita = workspace.person("rita")
        await rita.command("#connectors", "/hello")
        answer = await rita.wait_for(lambda message: "Hello" in message["text"])

In a process of its own: `python -m workspace --manifest manifest.yml --port 8081`; it prints one JSON
line with the address, tokens and ids, and ends on SIGTERM.

Who is there, and in which channels, is said in `workspace.cast`. A tour of the modules:

- the model: `people`, `conversations`, `messages`, `files`, `views`, `apps`, kept by `state`;
  `text` is what Slack makes of typed text, `rendering` how a message looks in Slack's JSON;
- acts and what follows from them: `activity` (messages, reactions, files), `interactions` (commands,
  clicks, modals, shortcuts; `payloads` is what they send, `forms` what people enter), `events` (the Events API with its retries), `grants` (trigger ids,
  response URLs);
- the app's side: `web_api/` (a module per family of methods), `socket_mode`, `http_delivery`,
  `hooks` (response URLs), `transfers` (file bytes);
- strictness: `block_kit/`, `rates`, `rules` (all times and counts), `faults` (what goes wrong on
  order);
- the people's side: `page_api`, `page_control` (log and faults), `snapshot`, `person`, `guard`, and the
  page itself in `page/`.

Where Slack's documentation is silent, the sources are named at the place. Known to differ from Slack:
messages that people type carry no `rich_text` block; links are not unfurled; group direct messages,
`external_select` suggestions, canvases, lists and user tokens do not exist.
"""

from workspace.cast import Cast
from workspace.errors import ManifestError, WorkspaceError
from workspace.person import Person, Refused
from workspace.rules import Rules
from workspace.server import Workspace

__all__ = ["Cast", "ManifestError", "Person", "Refused", "Rules", "Workspace", "WorkspaceError"]
