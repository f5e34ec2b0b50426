"""A Fleet and its member clusters on loopback, for the demo and for tests; it refuses to be anything but pretend."""
