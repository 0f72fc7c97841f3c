"""The tests. A package, since some dependencies bring a top-level package `tests` of their own."""
