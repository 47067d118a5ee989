//! Constants of a compiled model that follow from its inertia at the reference configuration.
