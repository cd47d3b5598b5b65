"""Fuzzing: what each target reads is changed at random, guided by the code that is reached.

Each module makes targets; a worker runs one of them in a process of its own.

    python -m tests.hostile.fuzzing.worker NAME --inputs 10000 --crashes FOLDER
"""

from __future__ import annotations

from typing import Final

#: The module that makes each target. It is imported late: what is imported before the coverage is
#: switched on is not seen. The quick ones come first: time that they leave goes to the others.
MODULES: Final = {
    "slack_view": "slack",
    "decryption": "handshakes",
    "record": "chains",
    "flight": "handshakes",
    "binary_prelude": "preludes",
    "text_prelude": "preludes",
    "desk_file": "configuration",
    "target_text": "texts",
    "settings": "configuration",
    "professional_answer": "desks",
    "command_text": "texts",
    "download": "downloads",
    "handshake": "handshakes",
    "certificate": "chains",
    "enterprise_answer": "desks",
    "aia_body": "files",
    "files": "files",
    "error_text": "texts",
    "slack_event": "slack",
    "chain": "chains",
    "slack_envelope": "bolt",
    "slack_http": "bolt",
}

#: What of the program is watched: where the module's targets read what comes from outside. To watch
#: all of it would take each process many seconds to begin.
WATCHED: Final = {
    "texts": (
        "bot.probe",
        "bot.pki.errors",
        "bot.pki.error_text",
        "bot.pki.error_details",
        "bot.redaction",
        "bot.text",
        "handlers.words",
        "handlers.blocks.markup",
    ),
    "files": ("bot.pki.formats", "bot.pki.der", "bot.pki.pem", "bot.pki.certificate"),
    "chains": ("bot.pki", "bot.report_building", "bot.prediction_records"),
    "handshakes": ("bot.probe",),
    "preludes": ("bot.probe",),
    "downloads": ("bot.probe.downloads", "bot.probe.web", "h11"),
    "slack": ("handlers.words", "handlers.mentions", "handlers.submission", "handlers.blocks"),
    "bolt": ("handlers.shapes", "handlers.parts", "bot.serving.intake"),
    "desks": ("bot.desks",),
    "configuration": ("bot.desks.configuration", "bot.settings", "bot.setting_kinds", "bot.probe"),
}

#: How inputs are made: by changes that follow the code that is reached, by changes of what was found
#: that way and no look at where it leads (several times as fast), or by Hypothesis.
KINDS: Final = ("guided", "proposed", "unguided")

#: All of them in one process: the first byte of an input says whose it is.
ALL: Final = "all"
