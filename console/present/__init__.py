"""Pure functions from data to rows of styled text, shared by panes, overlays and widgets."""
