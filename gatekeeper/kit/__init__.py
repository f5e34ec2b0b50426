"""What checks are made of: readers, judges and small clients. Checks reach all of it through ``gatekeeper.check``.

Nothing here decides on a gate, and nothing here opens a connection of its own.
"""
