"""What watchers see: the activity feed, alerts, figures, spend."""
