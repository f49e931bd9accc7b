"""L1000 expression tables: GCT and GCTX."""
