"""The crash points of the request story: found by a run that records them, then struck one by one."""
