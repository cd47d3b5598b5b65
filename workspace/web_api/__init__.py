"""Slack's Web API: a module per family of methods; `dispatch` is the way in."""
