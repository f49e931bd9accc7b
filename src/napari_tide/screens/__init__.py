"""What was imaged: screens, plates, wells, sites and channels."""
