//! Files into worlds.
