"""One file a migration; its `revision` is its number."""
