"""The docks: thin views over viewmodels."""
