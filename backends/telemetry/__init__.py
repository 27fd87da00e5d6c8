"""What GPU, host and local engine say of themselves."""
