"""How fast and how frugal the engine is: each figure beside a bare comparison made in the same run."""
