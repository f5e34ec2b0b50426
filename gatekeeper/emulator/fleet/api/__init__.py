"""The emulated Azure Resource Manager: routes, and one module for each kind of resource; it knows no HTTP library."""
