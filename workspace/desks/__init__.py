"""Matrix42 desks on this machine: strict, with the traps of the real ones, and a page to answer on.

`EnterpriseServer` stands in for M42Services, `ProfessionalServer` for the itsm API of Core, Pro and IGA.
Both are asynchronous context managers; tests act as the agent through `answer` and `move`, and order
what goes wrong through `faults`.
"""

from workspace.desks.enterprise import EnterpriseServer
from workspace.desks.faults import Fault, Faults
from workspace.desks.professional import ProfessionalServer
from workspace.desks.tickets import DeskFile, Entry, Ticket

__all__ = [
    "DeskFile",
    "EnterpriseServer",
    "Entry",
    "Fault",
    "Faults",
    "ProfessionalServer",
    "Ticket",
]
