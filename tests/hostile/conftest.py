"""The same company and workspace as in the conversation's tests."""

from tests.conversation.conftest import surroundings

__all__ = ["surroundings"]
