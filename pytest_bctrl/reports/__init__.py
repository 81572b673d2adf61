"""Writers: each turns findings into one format, and knows nothing but findings."""
