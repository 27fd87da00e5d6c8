"""Programs that hold what claw does against recorded or labelled data, each with a table."""
