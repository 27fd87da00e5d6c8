"""What watchers see: the activity feed, alerts, statistics, spend over time."""
