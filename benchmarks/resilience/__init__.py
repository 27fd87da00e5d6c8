"""What holds while things go wrong: load beyond what can be served, engines that are down, days of traffic."""
