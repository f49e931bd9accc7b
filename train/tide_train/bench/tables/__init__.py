"""The paper's tables on simulated worlds: train every method alike, judge all alike."""
