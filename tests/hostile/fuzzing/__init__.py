"""Fuzzing: what each target reads is changed at random, guided by the code that is reached.

Each module makes targets; a worker runs one of them in a process of its own.

    python -m tests.hostile.fuzzing.worker NAME --inputs 10000 --crashes FOLDER
"""

from __future__ import annotations

from typing import Final

#: The module that makes each target. It is imported late: what is imported before the coverage is
#: switched on is not seen.
MODULES: Final = {
    "target_text": "texts",
    "command_text": "texts",
    "error_text": "texts",
    "files": "files",
    "aia_body": "files",
    "certificate": "chains",
    "chain": "chains",
    "record": "chains",
    "flight": "handshakes",
    "handshake": "handshakes",
    "decryption": "handshakes",
    "text_prelude": "preludes",
    "binary_prelude": "preludes",
    "download": "downloads",
    "slack_event": "slack",
    "slack_view": "slack",
    "enterprise_answer": "desks",
    "professional_answer": "desks",
    "desk_file": "configuration",
    "settings": "configuration",
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
    "downloads": ("bot.probe.downloads",),
    "slack": ("handlers.words", "handlers.mentions", "handlers.submission", "handlers.blocks"),
    "desks": ("bot.desks",),
    "configuration": ("bot.desks.configuration", "bot.settings", "bot.setting_kinds", "bot.probe"),
}

#: All of them in one process: the first byte of an input says whose it is.
ALL: Final = "all"
