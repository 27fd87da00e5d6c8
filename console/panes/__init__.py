"""One file a pane, named as on screen."""
